"""Microsoft's own client of Azure Files makes shares, and uploads, renames, reads and deletes files of the emulator."""

import hashlib
import os
import sys

import requests
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.identity import ClientSecretCredential
from azure.storage.fileshare import ContentSettings, ShareClient, ShareFileClient

URL = "https://sockerlessstorage.file.core.windows.net"
KEY = "ZW11bGF0b3Itc3RvcmFnZS1rZXk="
control = f"http://{sys.argv[1]}/_control"


def refused(kind, status, code, call):
    try:
        call()
    except kind as error:
        assert error.status_code == status and error.error_code == code, (error.status_code, error.error_code)
        return
    raise AssertionError(f"this is refused with {status} {code}")


def share(name, **others):
    return ShareClient(URL, name, credential=others.pop("credential", KEY), retry_total=0, **others)


# By the key.
agents = share("agents")
refused(ResourceNotFoundError, 404, "ShareNotFound", agents.get_share_properties)
refused(ResourceNotFoundError, 404, "ShareNotFound", lambda: agents.get_file_client("x").get_file_properties())
agents.create_share()
refused(ResourceExistsError, 409, "ShareAlreadyExists", agents.create_share)
assert agents.get_share_properties().name == "agents"
agents.create_directory("folder")
refused(ResourceExistsError, 409, "ResourceAlreadyExists", lambda: agents.create_directory("folder"))
refused(ResourceNotFoundError, 404, "ParentNotFound", lambda: agents.create_directory("none/folder"))

# In several ranges, each with its hash.
content = os.urandom(9 << 20)
file = agents.get_file_client("folder/a file")
md5 = bytearray(hashlib.md5(content).digest())
file.upload_file(content, validate_content=True, content_settings=ContentSettings(content_md5=md5))
properties = file.get_file_properties()
assert (properties.size, properties.content_settings.content_md5) == (len(content), md5), properties
assert file.download_file(validate_content=True).readall() == content
assert file.download_file(offset=5, length=10).readall() == content[5:15]
refused(HttpResponseError, 416, "InvalidRange", lambda: file.upload_range(b"xx", offset=len(content) - 1, length=2))
agents.get_file_client("empty").upload_file(b"")
assert agents.get_file_client("empty").get_file_properties().size == 0

# Renaming, over another one and not.
agents.get_file_client("other").upload_file(b"other")
refused(ResourceExistsError, 409, "ResourceAlreadyExists", lambda: file.rename_file("other"))
renamed = file.rename_file("other", overwrite=True)
assert renamed.get_file_properties().content_settings.content_md5 == md5
assert renamed.download_file().readall() == content
refused(ResourceNotFoundError, 404, "ResourceNotFound", file.get_file_properties)
renamed.delete_file()
refused(ResourceNotFoundError, 404, "ResourceNotFound", renamed.delete_file)

# Another key, until it is the account's.
other = share("agents", credential="b3RoZXIta2V5")
refused(ClientAuthenticationError, 403, "AuthenticationFailed", other.get_share_properties)
accounts = [{"name": "sockerlessstorage", "key": "b3RoZXIta2V5", "shares": ["given"]}]
requests.patch(f"{control}/config", json={"storage": {"accounts": accounts}}).raise_for_status()
refused(ClientAuthenticationError, 403, "AuthenticationFailed", agents.get_share_properties)
assert other.get_share_properties().name == "agents"
share("given", credential="b3RoZXIta2V5").get_file_client("x").upload_file(b"x")

# By a token, which wants to be told what for, and a service that is new enough.
token = ClientSecretCredential(
    os.environ["AZURE_TENANT_ID"], os.environ["AZURE_CLIENT_ID"], os.environ["AZURE_CLIENT_SECRET"]
)
by_token = ShareFileClient(URL, "agents", "token", credential=token, token_intent="backup", retry_total=0)
by_token.upload_file(b"by token")
assert by_token.download_file().readall() == b"by token"
share("by-token", credential=token, token_intent="backup").create_share()
bearer = {"Authorization": f"Bearer {token.get_token('https://storage.azure.com/.default').token}"}
for version, intent, status, code in [
    ("2024-11-04", None, 400, "MissingRequiredHeader"),
    (None, "backup", 400, "MissingRequiredHeader"),
    ("2021-04-10", "backup", 403, "AuthenticationFailed"),
    ("2022-11-02", "backup", 200, None),
]:
    headers = bearer | {"x-ms-version": version, "x-ms-file-request-intent": intent}
    headers = {name: value for name, value in headers.items() if value}
    answer = requests.get(f"{URL}/agents/token", headers=headers)
    assert (answer.status_code, answer.headers.get("x-ms-error-code")) == (status, code), answer.headers
for_arm = token.get_token("https://management.azure.com/.default").token
answer = requests.get(f"{URL}/agents/token", headers=headers | {"Authorization": f"Bearer {for_arm}"})
assert (answer.status_code, answer.headers["x-ms-error-code"]) == (401, "InvalidAuthenticationInfo")
answer = requests.get(f"{URL}/agents/token")
assert answer.status_code == 401 and "resource_id=https://storage.azure.com" in answer.headers["WWW-Authenticate"]

# A fault has the service's form.
fault = {"fault": "answer", "service": "files", "status": 403, "code": "AuthorizationPermissionMismatch", "message": "No role."}
requests.post(f"{control}/faults", json=fault).raise_for_status()
refused(HttpResponseError, 403, "AuthorizationPermissionMismatch", other.get_share_properties)

print("ok")
