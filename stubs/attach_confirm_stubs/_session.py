"""A boto3 session and clients that know nothing of the machine they run on."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES

import attach_confirm
from attach_confirm_stubs import _service_model

if TYPE_CHECKING:
    from types_boto3_connectparticipant.client import ConnectParticipantClient

_FILES = ("config_file", "credentials_file")


def isolated_session() -> boto3.Session:
    """Return a session that reads neither `AWS_` variables nor `~/.aws`."""
    variables: dict[str, Any] = {
        name: (None, None, os.devnull if name in _FILES else default, conversion)
        for name, (_, _, default, conversion) in BOTOCORE_DEFAUT_SESSION_VARIABLES.items()
    }
    session = botocore.session.Session(session_vars=variables)
    session.register_component("data_loader", _service_model.builtin_loader())
    return boto3.Session(botocore_session=session)


@cache
def shared_session() -> boto3.Session:
    """Return one such session for all clients of the fake: to make it is what takes time.

    It must not be made before moto is imported, which sees the clients of later sessions only.
    """
    return isolated_session()


def isolated_client(session: boto3.Session) -> ConnectParticipantClient:
    """Return a client that looks for no endpoint, proxy or CA bundle in the environment."""
    options: Any = {"ignore_configured_endpoint_urls": True, "proxies": {}}
    return attach_confirm.client(
        "us-east-1", session=session, config=Config(**options), verify=True
    )
