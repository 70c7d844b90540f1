"""Microsoft's own credentials get tokens of the emulated directory, and the resource manager takes them."""

import os
import socket
import ssl
import sys
import time

from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from azure.identity import ClientSecretCredential, ManagedIdentityCredential, WorkloadIdentityCredential
from azure.mgmt.web import WebSiteManagementClient

SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"
SCOPE = "https://management.azure.com/.default"
address, folder = sys.argv[1:]
tenant, client = os.environ["AZURE_TENANT_ID"], os.environ["AZURE_CLIENT_ID"]


def works(credential):
    token = credential.get_token(SCOPE)
    assert 0 < token.expires_on - time.time() <= 3599, token.expires_on
    assert list(WebSiteManagementClient(credential, SUBSCRIPTION).web_apps.list()) == []


works(ClientSecretCredential(tenant, client, os.environ["AZURE_CLIENT_SECRET"]))
try:
    ClientSecretCredential(tenant, client, "wrong").get_token(SCOPE)
    raise AssertionError("a wrong secret is refused")
except ClientAuthenticationError as error:
    assert "AADSTS7000215" in str(error), error

file = os.path.join(folder, "assertion")
with open(file, "w") as out:
    out.write("emulator-federated-token")
works(WorkloadIdentityCredential(tenant_id=tenant, client_id=client, token_file_path=file))

# Of a virtual machine, then of App Service.
works(ManagedIdentityCredential())
works(ManagedIdentityCredential(client_id=client))
try:
    ManagedIdentityCredential(client_id="stranger").get_token(SCOPE)
    raise AssertionError("an identity that the machine does not have is refused")
except ClientAuthenticationError as error:
    assert "Identity not found" in str(error), error
os.environ["IDENTITY_ENDPOINT"] = f"http://{address}/msi/token"
os.environ["IDENTITY_HEADER"] = "emulator-identity-header"
works(ManagedIdentityCredential())

# A token of the logs opens no resource manager.
secret = ClientSecretCredential(tenant, client, os.environ["AZURE_CLIENT_SECRET"])
other = WebSiteManagementClient(secret, SUBSCRIPTION, credential_scopes=["https://api.loganalytics.io/.default"])
try:
    list(other.web_apps.list())
    raise AssertionError("a token of another audience is refused")
except HttpResponseError as error:
    assert (error.status_code, error.error.code) == (403, "InvalidAuthenticationTokenAudience"), error

# HTTPS without a proxy, for a host of Azure and for the emulator's own address; a stranger's has no certificate.
host, port = address.split(":")
context = ssl.create_default_context(cafile=os.environ["REQUESTS_CA_BUNDLE"])
for name in ["management.azure.com", "some-app.azurewebsites.net", "127.0.0.1"]:
    with socket.create_connection((host, int(port))) as plain:
        with context.wrap_socket(plain, server_hostname=name) as secure:
            secure.sendall(f"GET /_control/apps HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode())
            assert secure.recv(9) == b"HTTP/1.1 ", name
try:
    with socket.create_connection((host, int(port))) as plain:
        context.wrap_socket(plain, server_hostname="example.com")
    raise AssertionError("the authority signs for hosts of Azure only")
except ssl.SSLError:
    pass

print("ok")
