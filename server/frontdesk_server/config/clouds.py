"""Backends in the clouds, which know their addresses or how they are made."""

from __future__ import annotations

from typing import ClassVar, Literal

from frontdesk_server.config.headers import HeaderText, Segment
from frontdesk_server.config.sign_on import AwsSigV4SignOn, GoogleAdcSignOn, SignOnConfig
from frontdesk_server.config.upstream import AwayFromSecrets, HttpBackendConfig, UpstreamConfig


class AzureOpenAIBackendConfig(HttpBackendConfig):
    """Azure OpenAI. A model's name there is that of its deployment. `base_url` is the resource's own."""

    speaks: ClassVar[str] = "openai"
    kind: Literal["azure_openai"]
    api_version: Segment | None = None
    """Asks by /openai/deployments/NAME and this version of the API. Default: by /openai/v1, which has none."""
    max_tokens_field: Literal["max_completion_tokens", "max_tokens"] = "max_completion_tokens"
    """What the API calls the most tokens of an answer; versions before 2024-09 know max_tokens only."""
    stream_options: bool = True
    """Ask for the usage of streams. False where the version refuses stream_options: usage is estimated then."""

    @property
    def root(self) -> str:
        """The resource itself, whichever of its roots was given."""
        return super().root.removesuffix("/v1").removesuffix("/openai")


BedrockFamily = Literal["claude", "nova", "other"]


class BedrockBackendConfig(UpstreamConfig):
    """Amazon Bedrock's Converse. A model's name there is its id, an inference profile's id, or an ARN."""

    kind: Literal["bedrock"]
    region: Segment
    """Region of the API."""
    base_url: AwayFromSecrets | None = None
    """Another address, such as a VPC endpoint. Default: the region's."""
    family: Literal["auto", "claude", "nova", "other"] = "auto"
    """Whose settings models take beyond the common ones. Default: as their names say; the ARNs of application inference
    profiles say nothing."""

    @property
    def root(self) -> str:
        """The region's address."""
        if self.base_url is not None:
            return str(self.base_url).rstrip("/")
        domain = "amazonaws.com.cn" if self.region.startswith("cn-") else "amazonaws.com"
        return f"https://bedrock-runtime.{self.region}.{domain}"

    @property
    def signs_on(self) -> SignOnConfig:
        """By default by signatures with what the machine has; in the backend's own region."""
        chosen = super().signs_on or AwsSigV4SignOn(kind="aws_sigv4")
        if isinstance(chosen, AwsSigV4SignOn) and chosen.region is None:
            return chosen.model_copy(update={"region": self.region})
        return chosen

    def family_of(self, upstream_model: str) -> BedrockFamily:
        """The family of a model."""
        if self.family != "auto":
            return self.family
        if "anthropic.claude" in upstream_model:
            return "claude"
        return "nova" if "amazon.nova" in upstream_model else "other"


class VertexBackendConfig(UpstreamConfig):
    """What the models of Vertex AI share."""

    project: Segment
    """The project that is billed."""
    location: Segment = "global"
    """A region such as europe-west1, or global."""
    base_url: AwayFromSecrets | None = None
    """Another address, such as a private endpoint. Default: the location's."""

    @property
    def root(self) -> str:
        """The project at its location."""
        return f"{self._host}/v1/projects/{self.project}/locations/{self.location}"

    @property
    def signs_on(self) -> SignOnConfig:
        """By default with what the machine has."""
        return super().signs_on or GoogleAdcSignOn(kind="google_adc")

    @property
    def _host(self) -> str:
        if self.base_url is not None:
            return str(self.base_url).rstrip("/")
        if self.location == "global":
            return "https://aiplatform.googleapis.com"
        if self.location in ("us", "eu"):  # several regions as one
            return f"https://aiplatform.{self.location}.rep.googleapis.com"
        return f"https://{self.location}-aiplatform.googleapis.com"


class VertexGeminiBackendConfig(VertexBackendConfig):
    """Gemini, and whatever else Vertex AI serves by its OpenAI-compatible endpoint, such as meta/NAME."""

    speaks: ClassVar[str] = "openai"
    kind: Literal["vertex_gemini"]


class VertexClaudeBackendConfig(VertexBackendConfig):
    """Claude on Vertex AI."""

    speaks: ClassVar[str] = "anthropic"
    kind: Literal["vertex_claude"]
    version: HeaderText = "vertex-2023-10-16"
    """Value of anthropic_version."""
