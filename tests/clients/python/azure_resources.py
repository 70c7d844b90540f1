"""Microsoft's own client of the resource manager makes, lists, changes and deletes apps and plans of the emulator."""

import os
import sys

import requests
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.identity import ClientSecretCredential
from azure.mgmt.web import WebSiteManagementClient
from azure.mgmt.web.models import (
    AppServicePlan,
    AzureStorageInfoValue,
    AzureStoragePropertyDictionaryResource,
    NameValuePair,
    ResourceNameAvailabilityRequest,
    Site,
    SiteConfig,
    SiteConfigResource,
    SitePatchResource,
    SkuDescription,
    StringDictionary,
)

SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"
GROUP = "sockerless"
PLAN = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}/providers/Microsoft.Web/serverfarms/sockerless-plan"
control = f"http://{sys.argv[1]}/_control"

credential = ClientSecretCredential(
    os.environ["AZURE_TENANT_ID"], os.environ["AZURE_CLIENT_ID"], os.environ["AZURE_CLIENT_SECRET"]
)
client = WebSiteManagementClient(credential, SUBSCRIPTION)
apps = client.web_apps


def fault(**what):
    requests.post(f"{control}/faults", json=what).raise_for_status()


def received(method, ending):
    """How many requests of a kind have come since the last time somebody asked."""
    found = [r for r in requests.get(f"{control}/requests").json() if r["method"] == method and ending in r["path"]]
    requests.delete(f"{control}/requests").raise_for_status()
    return len(found)


def site(**tags):
    return Site(
        location="eastus",
        kind="functionapp,linux,container",
        tags=tags,
        server_farm_id=PLAN,
        reserved=True,
        https_only=True,
        client_affinity_enabled=False,
        site_config=SiteConfig(
            linux_fx_version="DOCKER|alpine:3",
            app_command_line="sleep 1000",
            always_on=True,
            min_tls_version="1.2",
            app_settings=[NameValuePair(name="SECRET", value="s"), NameValuePair(name="OTHER", value="o")],
        ),
    )


def create(name, **tags):
    return apps.begin_create_or_update(GROUP, name, site(**tags), polling_interval=0).result(120)


def refused(kind, status, code, call):
    try:
        call()
    except kind as error:
        assert error.status_code == status, error
        assert code in (error.error.code if error.error else str(error)), error
        return error
    raise AssertionError(f"this is refused with {status} {code}")


# Names, before anything is there.
check = lambda name: client.check_name_availability(ResourceNameAvailabilityRequest(name=name, type="Site"))
assert check("app0").name_available
assert not check("a_b").name_available

# At once, and then in both forms with polls between.
made = create("app0", a="b")
assert (made.name, made.state, made.tags, made.kind) == ("app0", "Running", {"a": "b"}, "functionapp,linux,container")
assert made.default_host_name == "app0.azurewebsites.net" and made.enabled_host_names == [
    "app0.azurewebsites.net",
    "app0.scm.azurewebsites.net",
]
assert made.server_farm_id == PLAN and made.https_only and made.client_affinity_enabled is False
assert made.site_config.linux_fx_version == "DOCKER|alpine:3" and made.site_config.app_settings is None
assert made.last_modified_time_utc is not None
for number, form, ending in [(1, "async-operation", "/operations/"), (2, "location", "/operationresults/")]:
    for polls in [0, 3]:
        name = f"app{number}{polls}"
        fault(fault="put", script={"form": form, "polls": polls, "retry_after_ms": 0})
        received("GET", "")
        made = create(name)
        assert (made.name, made.state) == (name, "Running"), made
        assert received("GET", ending) == polls + 1
    for outcome, words in [("failed", "told to let this operation fail"), ("canceled", "told to cancel it")]:
        name = f"app{number}{outcome}"
        fault(fault="put", script={"form": form, "polls": 1, "retry_after_ms": 0, "outcome": outcome})
        try:
            create(name)
            raise AssertionError(f"{form} {outcome}")
        except HttpResponseError as error:
            assert words in str(error), error
        try:
            apps.get(GROUP, name)
            raise AssertionError(f"what has {outcome} is not there")
        except ResourceNotFoundError:
            pass
fault(fault="put", script={"outcome": "failed"})
refused(HttpResponseError, 400, "BadRequest", lambda: create("never"))

# Every page of the list, for the subscription and the group.
names = ["app0", "app10", "app13", "app20", "app23"]
received("GET", "")
assert [found.name for found in apps.list()] == names
assert received("GET", "/sites") == 3
assert [found.name for found in apps.list_by_resource_group(GROUP)] == names

# Errors in both envelopes.
refused(ResourceNotFoundError, 404, "ResourceNotFound", lambda: apps.get(GROUP, "nobody"))
refused(ResourceNotFoundError, 404, "ResourceGroupNotFound", lambda: apps.get("nowhere", "app0"))
taken = refused(ResourceExistsError, 409, "", lambda: apps.begin_create_or_update("second", "app0", site()).result(120))
assert "54001" in taken.response.text() and "Website with given name app0 already exists." in taken.response.text()
fault(fault="answer", service="arm", status=403, code="AuthorizationFailed", message="no role")
refused(HttpResponseError, 403, "AuthorizationFailed", lambda: apps.get(GROUP, "app0"))

# The client waits as it is told, and goes on.
for layer in ["arm", "provider"]:
    fault(fault="throttle", service="arm", layer=layer, retry_after_seconds=0, times=2)
    received("GET", "")
    assert apps.get(GROUP, "app0").name == "app0"
    assert received("GET", "/app0") == 3

# Settings and configuration.
assert apps.list_application_settings(GROUP, "app0").properties == {"SECRET": "s", "OTHER": "o"}
updated = apps.update_application_settings(GROUP, "app0", StringDictionary(properties={"NEW": "n"}))
assert updated.properties == {"NEW": "n"}
assert apps.list_application_settings(GROUP, "app0").properties == {"NEW": "n"}
assert apps.get_configuration(GROUP, "app0").app_command_line == "sleep 1000"
changed = apps.update_configuration(GROUP, "app0", SiteConfigResource(app_command_line="sleep 2000"))
assert (changed.app_command_line, changed.linux_fx_version) == ("sleep 2000", "DOCKER|alpine:3")

# Mounts. The keys are in the list only.
def mounts(**what):
    value = AzureStorageInfoValue(
        type="AzureFiles", account_name="sockerlessstorage", share_name="agents", mount_path="/mounted", protocol="Smb", **what
    )
    return AzureStoragePropertyDictionaryResource(properties={"one": value})


key = "ZW11bGF0b3Itc3RvcmFnZS1rZXk="
accounts = [{"name": "sockerlessstorage", "key": key, "shares": ["agents"]}]
requests.patch(f"{control}/config", json={"storage": {"accounts": accounts}}).raise_for_status()
assert apps.list_azure_storage_accounts(GROUP, "app0").properties == {}
mounted = apps.update_azure_storage_accounts(GROUP, "app0", mounts(access_key=key)).properties["one"]
assert (mounted.mount_path, mounted.state, mounted.access_key) == ("/mounted", "Ok", None), mounted
listed = apps.list_azure_storage_accounts(GROUP, "app0").properties["one"]
assert (listed.share_name, listed.state, listed.access_key) == ("agents", "Ok", key), listed
wrong = apps.update_azure_storage_accounts(GROUP, "app0", mounts(access_key="d3Jvbmc=")).properties["one"]
assert wrong.state == "InvalidCredentials", wrong
assert "51008" in refused(
    HttpResponseError, 400, "", lambda: apps.update_azure_storage_accounts(GROUP, "app0", mounts())
).response.text()
with_mount = site()
with_mount.site_config.azure_storage_accounts = mounts(access_key=key).properties
made = apps.begin_create_or_update(GROUP, "mounted", with_mount, polling_interval=0).result(120)
assert made.site_config.azure_storage_accounts is None
assert apps.list_azure_storage_accounts(GROUP, "mounted").properties["one"].access_key == key
apps.delete(GROUP, "mounted", delete_empty_server_farm=False)

# A patch, a second PUT, and the orders.
patched = apps.update(GROUP, "app0", SitePatchResource(https_only=False))
assert (patched.https_only, patched.tags) == (False, {"a": "b"})
assert create("app0", c="d").tags == {"c": "d"}
apps.stop(GROUP, "app0")
assert apps.get(GROUP, "app0").state == "Stopped"
apps.start(GROUP, "app0")
assert apps.get(GROUP, "app0").state == "Running"
apps.restart(GROUP, "app0", synchronous=True)
log = b"".join(apps.get_web_site_container_logs(GROUP, "app0"))
assert b"Pulling image: alpine:3" in log, log

# Plans.
plans = client.app_service_plans
plan = plans.get(GROUP, "sockerless-plan")
assert (plan.name, plan.sku.name, plan.sku.tier, plan.reserved) == ("sockerless-plan", "EP1", "ElasticPremium", True)
second = AppServicePlan(location="eastus", kind="linux", reserved=True, sku=SkuDescription(name="P1v3"))
assert plans.begin_create_or_update(GROUP, "second-plan", second, polling_interval=0).result(120).sku.tier == "PremiumV3"
assert sorted(plan.name for plan in plans.list()) == ["second-plan", "sockerless-plan"]
assert sorted(plan.name for plan in plans.list_by_resource_group(GROUP)) == ["second-plan", "sockerless-plan"]
refused(HttpResponseError, 409, "Conflict", lambda: plans.delete(GROUP, "sockerless-plan"))
refused(ResourceNotFoundError, 404, "ResourceNotFound", lambda: plans.get(GROUP, "no-plan"))
plans.delete(GROUP, "second-plan")

# The end: the plan stays until the last app goes without a word about it.
for name in names[1:]:
    apps.delete(GROUP, name, delete_empty_server_farm=False)
assert [found.name for found in apps.list()] == ["app0"]
apps.delete(GROUP, "nobody", delete_empty_server_farm=False)
apps.delete(GROUP, "app0", delete_empty_server_farm=False)
assert plans.get(GROUP, "sockerless-plan").name == "sockerless-plan"
create("last")
apps.delete(GROUP, "last")
refused(ResourceNotFoundError, 404, "ResourceNotFound", lambda: plans.get(GROUP, "sockerless-plan"))

print("ok")
