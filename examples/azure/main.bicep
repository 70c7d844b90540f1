// What docs/azure.md makes in its sections 3, 4, 6 and 7, and the share of section 9 if one is named, with the roles of its table. Section numbers refer to that page.
//
//   az deployment group create --resource-group $GROUP --template-file main.bicep \
//     --parameters storageAccountName=... registryName=... daemonPrincipalId=...
//
// The resource group itself, the registry and the daemon's identity are there before (sections 2, 5 and 8). Whoever deploys this must
// be allowed to assign roles. The plan costs money from now on, whether or not a container exists.
//
// Not compiled by the tests of this project.

targetScope = 'resourceGroup'

@description('Region of everything: SOCKERLESS_AZF_LOCATION.')
param location string = resourceGroup().location

@description('Name of the plan: SOCKERLESS_AZF_APP_SERVICE_PLAN.')
param planName string = 'sockerless-plan'

@description('Elastic Premium (EP1 to EP3) or Dedicated (P1v3 and larger). Consumption plans run no custom containers.')
param planSku string = 'EP1'

@description('Name of the storage account, unique over all of Azure: SOCKERLESS_AZF_STORAGE_ACCOUNT.')
@minLength(3)
@maxLength(24)
param storageAccountName string

@description('Name of the storage account of the agent\'s share, unique over all of Azure: SOCKERLESS_AZF_AGENT_SHARE_ACCOUNT. Empty: the images have the agent.')
@maxLength(24)
param agentStorageAccountName string = ''

@description('Name of the agent\'s share: SOCKERLESS_AZF_AGENT_SHARE.')
param agentShareName string = 'sockerless-agent'

@description('Name of the identity of the apps.')
param appsIdentityName string = 'sockerless-apps'

@description('Name of a container registry of Azure in this group. Empty: images come from elsewhere.')
param registryName string = ''

@description('Name of the Log Analytics workspace.')
param workspaceName string = 'sockerless-logs'

@description('Name of the Application Insights resource.')
param insightsName string = 'sockerless-insights'

@description('Object id of the service principal or managed identity of the daemon. Empty: it is given its roles by hand.')
param daemonPrincipalId string = ''

// Built-in roles have the same ids everywhere.
var roles = {
  acrPull: '7f951dda-4ed3-4680-a7ca-43fe172d538d'
  storageBlobDataOwner: 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
  websiteContributor: 'de139f84-1756-47ae-9be6-808fbbe84772'
  managedIdentityOperator: 'f1a07417-d97a-45cb-824c-7a7467783830'
  logAnalyticsReader: '73c42c96-874c-492b-b04d-ab87d138a893'
}

// Section 3. `reserved` is what makes it a plan for Linux.
resource plan 'Microsoft.Web/serverfarms@2023-12-01' = {
  name: planName
  location: location
  kind: startsWith(planSku, 'EP') ? 'elastic' : 'linux'
  sku: {
    name: planSku
  }
  properties: {
    reserved: true
    maximumElasticWorkerCount: startsWith(planSku, 'EP') ? 20 : 1
  }
}

// Section 4: every function app must name one.
resource storage 'Microsoft.Storage/storageAccounts@2023-05-01' = {
  name: storageAccountName
  location: location
  kind: 'StorageV2'
  sku: {
    name: 'Standard_LRS'
  }
  properties: {
    minimumTlsVersion: 'TLS1_2'
    allowBlobPublicAccess: false
  }
}

// Section 9: an account for the share alone, since the apps' mounts have its key. `sockerless azure push-agent` fills the share.
resource agentStorage 'Microsoft.Storage/storageAccounts@2023-05-01' = if (!empty(agentStorageAccountName)) {
  name: empty(agentStorageAccountName) ? 'none' : agentStorageAccountName
  location: location
  kind: 'StorageV2'
  sku: {
    name: 'Standard_LRS'
  }
  properties: {
    minimumTlsVersion: 'TLS1_2'
    allowBlobPublicAccess: false
    allowSharedKeyAccess: true
  }
}

resource agentFiles 'Microsoft.Storage/storageAccounts/fileServices@2023-05-01' = if (!empty(agentStorageAccountName)) {
  parent: agentStorage
  name: 'default'
}

resource agentShare 'Microsoft.Storage/storageAccounts/fileServices/shares@2023-05-01' = if (!empty(agentStorageAccountName)) {
  parent: agentFiles
  name: agentShareName
  properties: {
    accessTier: 'TransactionOptimized'
    shareQuota: 1
  }
}

// Section 5 makes it; here it only gets a role.
resource registry 'Microsoft.ContainerRegistry/registries@2023-07-01' existing = if (!empty(registryName)) {
  name: registryName
}

// Section 6. Containers can use this identity too: give it nothing else.
resource apps 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: appsIdentityName
  location: location
}

resource appsPull 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(registryName)) {
  name: guid(resourceGroup().id, registryName, appsIdentityName, roles.acrPull)
  scope: registry
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.acrPull)
    principalId: apps.properties.principalId
    principalType: 'ServicePrincipal'
  }
}

resource appsStorage 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(storage.id, appsIdentityName, roles.storageBlobDataOwner)
  scope: storage
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.storageBlobDataOwner)
    principalId: apps.properties.principalId
    principalType: 'ServicePrincipal'
  }
}

// Section 7. Application Insights must be on the workspace that the daemon queries.
resource workspace 'Microsoft.OperationalInsights/workspaces@2023-09-01' = {
  name: workspaceName
  location: location
  properties: {
    sku: {
      name: 'PerGB2018'
    }
    retentionInDays: 30
  }
}

resource insights 'Microsoft.Insights/components@2020-02-02' = {
  name: insightsName
  location: location
  kind: 'web'
  properties: {
    Application_Type: 'web'
    WorkspaceResourceId: workspace.id
  }
}

// Section 8: the roles of the daemon.
resource daemonApps 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(daemonPrincipalId)) {
  name: guid(resourceGroup().id, daemonPrincipalId, roles.websiteContributor)
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.websiteContributor)
    principalId: daemonPrincipalId
    principalType: 'ServicePrincipal'
  }
}

resource daemonIdentity 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(daemonPrincipalId)) {
  name: guid(apps.id, daemonPrincipalId, roles.managedIdentityOperator)
  scope: apps
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.managedIdentityOperator)
    principalId: daemonPrincipalId
    principalType: 'ServicePrincipal'
  }
}

resource daemonLogs 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(daemonPrincipalId)) {
  name: guid(workspace.id, daemonPrincipalId, roles.logAnalyticsReader)
  scope: workspace
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.logAnalyticsReader)
    principalId: daemonPrincipalId
    principalType: 'ServicePrincipal'
  }
}

// What the daemon's settings are, by their names. The connection string and the key of the agent's share are left out: outputs of a
// deployment can be read by whoever may read the group. Sections 7 and 9 show them; the backend mounts the share by the key.
output SOCKERLESS_AZF_SUBSCRIPTION_ID string = subscription().subscriptionId
output SOCKERLESS_AZF_RESOURCE_GROUP string = resourceGroup().name
output SOCKERLESS_AZF_LOCATION string = location
output SOCKERLESS_AZF_APP_SERVICE_PLAN string = plan.name
output SOCKERLESS_AZF_STORAGE_ACCOUNT string = storage.name
output SOCKERLESS_AZF_AGENT_SHARE string = empty(agentStorageAccountName) ? '' : agentShareName
output SOCKERLESS_AZF_AGENT_SHARE_ACCOUNT string = agentStorageAccountName
output SOCKERLESS_AZF_IDENTITY string = apps.id
output SOCKERLESS_AZF_IDENTITY_CLIENT_ID string = apps.properties.clientId
output SOCKERLESS_AZF_LOG_ANALYTICS_WORKSPACE string = workspace.properties.customerId
