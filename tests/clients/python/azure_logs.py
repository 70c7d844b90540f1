"""Microsoft's own client of Log Analytics reads the rows that telemetry has become."""

import os
import sys
from datetime import datetime, timedelta, timezone

import requests
from azure.core.exceptions import HttpResponseError
from azure.identity import ClientSecretCredential
from azure.monitor.query import LogsQueryClient, LogsQueryStatus

WORKSPACE = "33333333-3333-3333-3333-333333333333"
base = f"http://{sys.argv[1]}"
credential = ClientSecretCredential(
    os.environ["AZURE_TENANT_ID"], os.environ["AZURE_CLIENT_ID"], os.environ["AZURE_CLIENT_SECRET"]
)
now = datetime.now(timezone.utc)


def fault(**what):
    requests.post(f"{base}/_control/faults", json=what).raise_for_status()


def item(n):
    return {
        "name": "Microsoft.ApplicationInsights.Message",
        "time": (now - timedelta(minutes=10 - n)).isoformat(),
        "iKey": "44444444-4444-4444-4444-444444444444",
        "tags": {"ai.cloud.role": "Skls-1", "ai.cloud.roleInstance": "boot"},
        "data": {
            "baseType": "MessageData",
            "baseData": {"ver": 2, "message": f"m{n}", "severityLevel": "Warning", "properties": {"seq": str(n)}},
        },
    }


def messages(table):
    return [row["Message"] for row in table.rows]


# Both names of the service: the old one is the client's default.
for endpoint in ["https://api.loganalytics.io", "https://api.loganalytics.azure.com"]:
    client = LogsQueryClient(credential, endpoint=endpoint, audience="https://api.loganalytics.io")
    requests.delete(f"{base}/_control/requests").raise_for_status()
    query = lambda text, timespan=timedelta(hours=1), **more: client.query_workspace(WORKSPACE, text, timespan=timespan, **more)

    def refused(status, call, *words):
        try:
            call()
        except HttpResponseError as error:
            assert error.status_code == status, error
            for word in words:
                assert word in str(error), (word, error)
            return
        raise AssertionError(f"this is refused with {status}")

    if endpoint.endswith(".io"):
        refused(400, lambda: query("AppTraces"), "BadArgumentError", "SEM0100")
        sent = requests.post(f"{base}/v2/track", json=[item(n) for n in range(5)])
        assert sent.json()["itemsAccepted"] == 5, sent.text

    # Rows, with the types that the client makes of them.
    result = query('AppTraces | where AppRoleName == "skls-1" | order by TimeGenerated asc', server_timeout=30)
    assert result.status == LogsQueryStatus.SUCCESS
    (table,) = result.tables
    assert table.name == "PrimaryResult" and messages(table) == ["m0", "m1", "m2", "m3", "m4"], table.rows
    assert len(table.columns) == len(table.columns_types)
    row = table.rows[0]
    assert isinstance(row["TimeGenerated"], datetime) and row["TimeGenerated"] == now - timedelta(minutes=10)
    assert (row["SeverityLevel"], row["AppRoleInstance"], row["ItemCount"]) == (2, "boot", 1), row
    assert '"seq":"0"' in row["Properties"].replace(" ", ""), row["Properties"]
    assert messages(query("AppTraces", (now - timedelta(minutes=9), now - timedelta(minutes=7))).tables[0]) == ["m1", "m2"]
    assert messages(query("AppTraces | take 1", None).tables[0]) == ["m0"]

    # No rows, a part of the rows.
    assert messages(query("AppTraces | where Message == 'nothing'").tables[0]) == []
    fault(fault="partial-logs", rows=2)
    part = query("AppTraces | order by TimeGenerated asc")
    assert part.status == LogsQueryStatus.PARTIAL and messages(part.partial_data[0]) == ["m0", "m1"], part
    assert part.partial_error.code == "PartialError", part.partial_error

    # What is refused.
    refused(400, lambda: query("AppTraces | wher x"), "BadArgumentError", "SyntaxError")
    refused(400, lambda: query("AppEvents"), "SEM0100")
    for workspace in ["3333", "99999999-9999-9999-9999-999999999999"]:
        refused(404, lambda: client.query_workspace(workspace, "AppTraces", timespan=None), "PathNotFoundError")
    fault(fault="answer", service="logs", status=403, code="InsufficientAccessError", message="no role")
    refused(403, lambda: query("AppTraces"), "InsufficientAccessError")

    # The client waits as it is told.
    fault(fault="throttle", service="logs", retry_after_seconds=0, times=2)
    assert messages(query("AppTraces | take 1").tables[0]) == ["m0"]

print("ok")
