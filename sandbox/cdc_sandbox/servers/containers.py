"""A server in a container that lives no longer than this process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cdc.errors import CdcError, Unfit
from cdc_sandbox.servers.images import Image
from cdc_sandbox.servers.ports import LOOPBACK
from cdc_sandbox.servers.process import ServerFailed

if TYPE_CHECKING:
    from testcontainers.core.container import DockerContainer

_STOP_SECONDS = 60


class Container:
    """An image run by testcontainers, whose reaper removes it when this process is gone."""

    def __init__(self, image: Image) -> None:
        """Nothing is started yet."""
        self._image = image
        self._container: DockerContainer | None = None

    def __repr__(self) -> str:
        return f"<Container {self._image.name!r} ({'running' if self.running else 'stopped'})>"

    @property
    def pid(self) -> int:
        """The server's process id, as the engine's machine counts; 0 while it is stopped."""
        return int(self._state().get("Pid", 0))

    @property
    def running(self) -> bool:
        """Whether the server's process lives."""
        return bool(self._state().get("Running", False))

    def start(self) -> None:
        """Create the container, or start it again."""
        try:
            if self._container is None:
                self._container = _create(self._image)
                self._container.start()
            elif not self.running:
                self._container.get_wrapped_container().start()
        except CdcError:
            raise
        except Exception as error:  # the engine's client, requests and urllib3 share no root
            raise ServerFailed(f"{self._image.name} could not be started: {error}") from error

    def stop(self) -> None:
        """End the server cleanly; its data stay in the container."""
        if self._container and self.running:
            self._container.get_wrapped_container().stop(timeout=_STOP_SECONDS)

    def kill(self) -> None:
        """End the server by SIGKILL."""
        if self._container and self.running:
            wrapped = self._container.get_wrapped_container()
            wrapped.kill()
            wrapped.wait()

    def close(self) -> None:
        """Remove the container and its data."""
        if self._container:
            self._container.stop()
            self._container = None

    def log_tail(self) -> str:
        """Return the last lines that the server logged."""
        if self._container is None:
            return ""
        log: bytes = self._container.get_wrapped_container().logs(tail=30)
        return log.decode(errors="replace")

    def _state(self) -> dict[str, Any]:
        if self._container is None:
            return {}
        wrapped = self._container.get_wrapped_container()
        wrapped.reload()
        state: dict[str, Any] = wrapped.attrs["State"]
        return state


def _create(image: Image) -> DockerContainer:
    try:
        from testcontainers.core.container import DockerContainer
    except ImportError as error:
        raise Unfit(
            "a Docker engine answers, and testcontainers is not installed",
            remedy="in a checkout: pip install './sandbox[containers]'; or use --no-containers",
        ) from error
    container = DockerContainer(image.name)
    container.with_command(list(image.command))
    container.with_envs(**image.environment)
    # The engine takes an address beside the port; with_bind_ports has no parameter for it.
    ports: dict[str, Any] = container.ports
    ports[f"{image.inner_port}/tcp"] = (LOOPBACK, image.port)
    if image.volume:
        folder, inside = image.volume
        container.with_volume_mapping(folder, inside, mode="rw")
        container.with_kwargs(user=image.user)
    return container
