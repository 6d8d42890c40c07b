# SPDX-License-Identifier: Apache-2.0
"""The instrumentation packages that are captured: what to install, how each is switched on, which scenarios it sees.

Nothing of a package is imported before `instrument` or `load_scenarios` is called: each lives in an environment of
its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, NamedTuple

from tests.scenarios.scenario import Scenario


class Package(NamedTuple):
    """One capture: the file `tests/captures/<its name>.json`."""

    requirements: tuple[str, ...]
    """What to install beside the SDK."""
    scenarios: str
    """The module of `tests.scenarios` with its list `SCENARIOS`."""
    instrument: Callable[[Any, Any], None]
    """Switches the package on, with a tracer provider and a logger provider."""
    environment: Mapping[str, str] = {}
    """Variables that are set before."""
    quiet_seconds: float = 0
    """How long nothing more has to come before a scenario is over; 0 where all has come when its call returns."""

    def load_scenarios(self) -> list[Scenario]:
        scenarios: list[Scenario] = import_module(f"tests.scenarios.{self.scenarios}").SCENARIOS
        return scenarios


def _instrumentors(*names: str, **keywords: Any) -> Callable[[Any, Any], None]:
    """Switches instrumentors on, each named `module:class`."""

    def instrument(tracer_provider: Any, logger_provider: Any) -> None:
        for name in names:
            module, _, instrumentor = name.partition(":")
            made = getattr(import_module(module), instrumentor)(**keywords)
            made.instrument(tracer_provider=tracer_provider, logger_provider=logger_provider)

    return instrument


_GENAI_OPENAI = "opentelemetry.instrumentation.genai.openai:OpenAIInstrumentor"
_OPENINFERENCE_OPENAI = "openinference.instrumentation.openai:OpenAIInstrumentor"
_TRACELOOP_OPENAI = "opentelemetry.instrumentation.openai:OpenAIInstrumentor"
_LATEST = {"OTEL_SEMCONV_STABILITY_OPT_IN": "gen_ai_latest_experimental"}
_CONTENT = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"


def _pydantic_ai(**keywords: Any) -> Callable[[Any, Any], None]:
    def instrument(tracer_provider: Any, logger_provider: Any) -> None:
        settings = import_module("pydantic_ai.models.instrumented").InstrumentationSettings
        for kind in (import_module("pydantic_ai").Agent, import_module("pydantic_ai").Embedder):
            kind.instrument_all(settings(tracer_provider=tracer_provider, **keywords))

    return instrument


def _with_global_provider(tracer_provider: Any, logger_provider: Any) -> None:
    """Nothing to do: the package uses the global provider."""


def _langfuse(tracer_provider: Any, logger_provider: Any) -> None:
    exporter = import_module("opentelemetry.sdk.trace.export.in_memory_span_exporter").InMemorySpanExporter()
    keys = {"public_key": "pk-lf-unused", "secret_key": "sk-lf-unused"}
    import_module("langfuse").Langfuse(tracer_provider=tracer_provider, span_exporter=exporter, **keys)
    import_module("langfuse.openai")  # wraps the client


def _logfire(tracer_provider: Any, logger_provider: Any) -> None:
    logfire: Any = import_module("logfire")
    # It makes a provider of its own, which passes its spans on to what it is given.
    processor = tracer_provider._active_span_processor
    logfire.configure(send_to_logfire=False, console=False, additional_span_processors=[processor])
    logfire.instrument_openai()


def _agent_framework(tracer_provider: Any, logger_provider: Any) -> None:
    import_module("agent_framework.observability").enable_instrumentation(enable_sensitive_data=True)


def _litellm(tracer_provider: Any, logger_provider: Any) -> None:
    callback: Any = import_module("litellm.integrations.opentelemetry").OpenTelemetry
    litellm: Any = import_module("litellm")
    litellm.callbacks = [callback(tracer_provider=tracer_provider, logger_provider=logger_provider)]


PACKAGES: dict[str, Package] = {
    "genai-openai": Package(
        requirements=("opentelemetry-instrumentation-genai-openai", "openai"),
        scenarios="openai_client",
        instrument=_instrumentors(_GENAI_OPENAI),
        environment={**_LATEST, _CONTENT: "span_only"},
    ),
    "genai-openai-events": Package(
        requirements=("opentelemetry-instrumentation-genai-openai", "openai"),
        scenarios="openai_client",
        instrument=_instrumentors(_GENAI_OPENAI),
        environment={**_LATEST, _CONTENT: "event_only", "OTEL_INSTRUMENTATION_GENAI_EMIT_EVENT": "true"},
    ),
    "openinference-openai": Package(
        requirements=("openinference-instrumentation-openai", "openai"),
        scenarios="openai_client",
        instrument=_instrumentors(_OPENINFERENCE_OPENAI),
    ),
    "openai-v2": Package(
        requirements=("opentelemetry-instrumentation-openai-v2", "opentelemetry-util-genai==0.4b0", "openai<3"),
        scenarios="openai_client",
        instrument=_instrumentors("opentelemetry.instrumentation.openai_v2:OpenAIInstrumentor"),
        environment={_CONTENT: "true"},
    ),
    "traceloop-openai-0.40": Package(
        requirements=("opentelemetry-instrumentation-openai==0.40.14", "openai<2"),
        scenarios="openai_client",
        instrument=_instrumentors(_TRACELOOP_OPENAI),
    ),
    "traceloop-openai": Package(
        requirements=("opentelemetry-instrumentation-openai", "openai"),
        scenarios="openai_client",
        instrument=_instrumentors(_TRACELOOP_OPENAI),
    ),
    "traceloop-openai-events": Package(
        requirements=("opentelemetry-instrumentation-openai", "openai"),
        scenarios="openai_client",
        instrument=_instrumentors(_TRACELOOP_OPENAI, use_attributes=False),
    ),
    "openai-twice": Package(
        requirements=("opentelemetry-instrumentation-genai-openai", "openinference-instrumentation-openai", "openai"),
        scenarios="openai_client",
        instrument=_instrumentors(_OPENINFERENCE_OPENAI, _GENAI_OPENAI),
        environment={**_LATEST, _CONTENT: "span_only"},
    ),
    "openinference-langchain": Package(
        requirements=("openinference-instrumentation-langchain", "langchain", "langchain-openai"),
        scenarios="langchain_agent",
        instrument=_instrumentors("openinference.instrumentation.langchain:LangChainInstrumentor"),
    ),
    "openinference-langchain-openai": Package(
        requirements=(
            "openinference-instrumentation-langchain",
            "openinference-instrumentation-openai",
            "langchain",
            "langchain-openai",
        ),
        scenarios="langchain_agent",
        instrument=_instrumentors(
            "openinference.instrumentation.langchain:LangChainInstrumentor", _OPENINFERENCE_OPENAI
        ),
    ),
    "pydantic-ai": Package(
        requirements=("pydantic-ai-slim[openai]",), scenarios="pydantic_agent", instrument=_pydantic_ai()
    ),
    "pydantic-ai-2": Package(
        requirements=("pydantic-ai-slim[openai]",),
        scenarios="pydantic_agent",
        instrument=_pydantic_ai(version=2, use_aggregated_usage_attribute_names=False),
    ),
    "litellm": Package(
        requirements=("litellm",),
        scenarios="litellm_client",
        instrument=_litellm,
        environment={"LITELLM_LOCAL_MODEL_COST_MAP": "True"},
        quiet_seconds=0.5,
    ),
    "openinference-openai-agents": Package(
        requirements=("openinference-instrumentation-openai-agents", "openai-agents"),
        scenarios="agents_sdk",
        instrument=_instrumentors("openinference.instrumentation.openai_agents:OpenAIAgentsInstrumentor"),
    ),
    "genai-langchain": Package(
        requirements=("opentelemetry-instrumentation-genai-langchain", "langchain", "langchain-openai"),
        scenarios="langchain_agent",
        instrument=_instrumentors("opentelemetry.instrumentation.genai.langchain:LangChainInstrumentor"),
        environment={**_LATEST, _CONTENT: "span_only"},
    ),
    "traceloop-langchain": Package(
        requirements=(
            "opentelemetry-instrumentation-langchain",
            "opentelemetry-instrumentation-openai",
            "langchain",
            "langchain-openai",
        ),
        scenarios="langchain_agent",
        instrument=_instrumentors("opentelemetry.instrumentation.langchain:LangchainInstrumentor", _TRACELOOP_OPENAI),
    ),
    "genai-openai-agents": Package(
        requirements=(
            "opentelemetry-instrumentation-genai-openai-agents",
            "opentelemetry-instrumentation-genai-openai",
            "openai-agents",
        ),
        scenarios="agents_sdk",
        # The first makes no spans of model calls.
        instrument=_instrumentors(
            "opentelemetry.instrumentation.genai.openai_agents:OpenAIAgentsInstrumentor", _GENAI_OPENAI
        ),
        environment={**_LATEST, _CONTENT: "span_only"},
    ),
    "genai-anthropic": Package(
        requirements=("opentelemetry-instrumentation-genai-anthropic", "anthropic"),
        scenarios="anthropic_client",
        instrument=_instrumentors("opentelemetry.instrumentation.genai.anthropic:AnthropicInstrumentor"),
        environment={**_LATEST, _CONTENT: "span_only"},
    ),
    "openinference-anthropic": Package(
        requirements=("openinference-instrumentation-anthropic", "anthropic"),
        scenarios="anthropic_client",
        instrument=_instrumentors("openinference.instrumentation.anthropic:AnthropicInstrumentor"),
    ),
    "traceloop-anthropic": Package(
        requirements=("opentelemetry-instrumentation-anthropic", "anthropic"),
        scenarios="anthropic_client",
        instrument=_instrumentors("opentelemetry.instrumentation.anthropic:AnthropicInstrumentor"),
    ),
    "strands": Package(
        requirements=("strands-agents[openai]",), scenarios="strands_agent", instrument=_with_global_provider
    ),
    "google-adk": Package(
        requirements=("google-adk", "litellm"),
        scenarios="adk_agent",
        instrument=_with_global_provider,
        environment={**_LATEST, "LITELLM_LOCAL_MODEL_COST_MAP": "True", _CONTENT: "span_only"},
    ),
    "agent-framework": Package(
        requirements=("agent-framework-core", "agent-framework-openai"),
        scenarios="framework_agent",
        instrument=_agent_framework,
    ),
    "openinference-smolagents": Package(
        requirements=("openinference-instrumentation-smolagents", "smolagents[openai]"),
        scenarios="smol_agent",
        instrument=_instrumentors("openinference.instrumentation.smolagents:SmolagentsInstrumentor"),
    ),
    "langfuse-openai": Package(requirements=("langfuse", "openai"), scenarios="openai_client", instrument=_langfuse),
    "logfire-openai": Package(requirements=("logfire", "openai"), scenarios="openai_client", instrument=_logfire),
}

# Run in the environments of tests/live, with pinned versions: see tests/live/environments.py.
LIVE_PACKAGES: dict[str, Package] = {
    "langgraph": Package(
        requirements=("langgraph", "openinference-instrumentation-langchain", "langchain-openai"),
        scenarios="langgraph_agent",
        instrument=_instrumentors("openinference.instrumentation.langchain:LangChainInstrumentor"),
    ),
    "google-adk": Package(
        requirements=("google-adk",),
        scenarios="adk_gemini_agent",
        instrument=_with_global_provider,
        environment={**_LATEST, _CONTENT: "span_only"},
    ),
    "crewai": Package(
        requirements=("crewai",),
        scenarios="crewai_crew",
        instrument=_with_global_provider,
        environment={"CREWAI_DISABLE_TELEMETRY": "true", "CREWAI_DISABLE_VERSION_CHECK": "true"},
    ),
}
