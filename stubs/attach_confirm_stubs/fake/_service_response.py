"""The base class of the response classes, which have one method per operation."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, cast

from botocore import xform_name

from attach_confirm_stubs import _service_model
from attach_confirm_stubs.fake import _attempts, _operations, exceptions
from attach_confirm_stubs.fake._http import Request, Response, json_response, parse_json_object

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from botocore.model import Shape

    from attach_confirm_stubs.fake.models import ConnectParticipantBackend

_INVOCATION_ID_HEADER = "amz-sdk-invocation-id"


class ServiceResponse:
    """Handles one request to a service.

    It has the shape of a moto `BaseResponse` but does not inherit from it: moto selects the
    account by the signature's credentials, and participants do not sign.

    Attributes:
        connectparticipant_backend: The backend.
        request: The request.
        operation: The operation's name in the API.
        params: The request's parameters, from the path and the body.
        body_error: Why the body cannot be parsed, or None.
        instance_id: The Connect instance whose quota applies, or None if it is unknown.
        invalid_body_code: The error code for a body that is not a JSON object.
        invalid_params_code: The error code for a parameter that violates the service model.

    Args:
        backend: The backend.
        request: The request.
        operation: The operation's name in the API.
        path_params: The parameters in the URL's path.
    """

    def __init__(
        self,
        backend: ConnectParticipantBackend,
        request: Request,
        operation: str,
        path_params: Mapping[str, str],
    ) -> None:
        self.connectparticipant_backend = backend
        self.request = request
        self.operation = operation
        self.params: dict[str, Any] = dict(path_params)
        self.body_error: str | None = None
        self.instance_id: str | None = None
        self.invalid_body_code = "SerializationException"
        self.invalid_params_code = "ValidationException"
        try:
            members = parse_json_object(request.body)
            self.params |= {name: value for name, value in members.items() if value is not None}
        except ValueError as error:
            self.body_error = str(error)

    def dispatch(self) -> Response:
        """Return the response, with faults and quotas applied, and record the attempt.

        Raises:
            exceptions.ResponseNotDelivered: An injected fault affects the connection.
        """
        backend = self.connectparticipant_backend
        invocation_id = self.request.headers.get(_INVOCATION_ID_HEADER)
        return _attempts.run_attempt(
            backend,
            backend.history.get_or_create(self.operation, self.params, invocation_id),
            partial(exceptions.to_response, self.call_action),
            self.request.sleep,
            client_token=self.params.get("ClientToken"),
            instance_id=self.instance_id,
        )

    def call_action(self) -> Response:
        """Validate the parameters, and invoke the operation's method.

        Raises:
            exceptions.ErrorResponse: The request is rejected.
        """
        if self.body_error:
            raise exceptions.ServiceError(self.invalid_body_code, self.body_error)
        shape = cast("Shape", _operations.operation_model(self.operation).input_shape)
        violations = list(_service_model.constraint_violations(shape, self.params))
        if violations:
            message = f"{len(violations)} validation error(s) detected: {'; '.join(violations)}"
            raise exceptions.ServiceError(self.invalid_params_code, message)
        method: Callable[[], str] = getattr(self, xform_name(self.operation))
        return json_response(method())
