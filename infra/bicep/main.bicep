// Everything an organisation needs to run the bridge, in a resource group of its own. Deploying it again changes
// nothing: no name, secret or time is generated at deployment.
targetScope = 'subscription'

import { Tags } from 'types.bicep'

metadata name = 'Entra → Zoho One bridge'
metadata description = 'A function app on Flex Consumption with its storage, Key Vault, monitoring and sign-in.'

@description('Name of this deployment, a part of every resource name: prod, test or the like. Letters, digits, hyphens, underscores, dots and parentheses, as azd accepts them.')
@minLength(1)
@maxLength(64)
param environmentName string

@description('Azure region of every resource. The list has the regions that offer Flex Consumption; regions.json names its source.')
@allowed([
  'australiaeast'
  'australiasoutheast'
  'brazilsouth'
  'canadacentral'
  'centralindia'
  'centralus'
  'eastasia'
  'eastus'
  'eastus2'
  'francecentral'
  'germanywestcentral'
  'italynorth'
  'japaneast'
  'koreacentral'
  'northcentralus'
  'northeurope'
  'norwayeast'
  'southafricanorth'
  'southcentralus'
  'southeastasia'
  'southindia'
  'spaincentral'
  'swedencentral'
  'uaenorth'
  'uksouth'
  'ukwest'
  'westcentralus'
  'westeurope'
  'westus'
  'westus2'
  'westus3'
])
@metadata({
  azd: {
    type: 'location'
  }
})
param location string

@description('Resource group, created if it is missing; empty for one named after the environment.')
@maxLength(90)
param resourceGroupName string = ''

// azd compiles before it runs the hook that creates the app registration. Without a client id that compilation has to fail,
// or azd uses the empty value for the next one too: https://github.com/Azure/azure-dev/issues/4402
@description('Application (client) ID of the app registration that administrators sign in with: infra/scripts/sign-in-app.sh prints it.')
@minLength(36)
@maxLength(36)
param signInClientId string

@description('Recipients of alert mails; if empty, no mail is sent.')
@maxLength(10)
param alertEmails string[] = []

@description('Minutes without a successful cycle until the alert: three intervals of the slowest store, and at least 120.')
@minValue(120)
@maxValue(2880)
param silentMinutes int = 120

@description('Tags of every resource, besides those that name the product and the environment.')
param tags Tags = {}

@description('The address by which Entra reaches the app, if it is behind a proxy or a custom domain; empty for the app\'s own.')
@maxLength(200)
param publicUrl string = ''

@description('Whether storage and Key Vault are reached through private endpoints in a virtual network only. The resource provider Microsoft.App must be registered in the subscription.')
param privateNetwork bool = false

@description('Address space of that virtual network.')
@minLength(9)
@maxLength(18)
param addressPrefix string = '10.61.0.0/24'

@description('Its subnet for the app\'s instances, at least a /27; a /26 is enough for the maximum number of instances.')
@minLength(9)
@maxLength(18)
param appSubnetPrefix string = '10.61.0.0/26'

@description('Its subnet for the private endpoints.')
@minLength(9)
@maxLength(18)
param endpointSubnetPrefix string = '10.61.0.64/26'

@description('Whether outbound traffic of the virtual network has one fixed address (a NAT gateway), which can be allowed in Zoho One. It has a cost, see docs/cost.md. Needs privateNetwork.')
param outboundAddress bool = false

@description('Memory of an instance, in MB.')
@allowed([
  2048
  4096
])
param instanceMemoryMB int = 2048

@description('Maximum number of instances of each group of functions that Flex Consumption scales separately. One instance runs a store\'s cycle; pushes are spread over all instances, and each calls Zoho One as often as the store allows, so keep the number small.')
@minValue(1)
@maxValue(1000)
param maximumInstanceCount int = 5

@description('Simultaneous requests per instance; never more than workerThreads. Without it, Flex Consumption starts an instance for every single request of a Python app.')
@minValue(1)
@maxValue(128)
param httpConcurrency int = 16

@description('HTTP instances that always run, so that the first push after a pause is not slow. Each has a cost, see docs/cost.md.')
@minValue(0)
@maxValue(10)
param alwaysReadyInstances int = 0

@description('Whether instances are spread over zones: the region must offer it for Flex Consumption, and alwaysReadyInstances must be at least 2.')
param zoneRedundant bool = false

@description('Simultaneous requests and messages per worker.')
@minValue(1)
@maxValue(128)
param workerThreads int = 32

@description('Lease duration of a request for one person, in seconds: longer than the calls it makes.')
@minValue(30)
@maxValue(600)
param leaseSeconds int = 90

@description('Redundancy of the tables: three copies in one data centre (LRS), in three (ZRS), or in a second region as well; empty for three data centres if the region has them.')
@allowed([
  ''
  'Standard_LRS'
  'Standard_ZRS'
  'Standard_GRS'
  'Standard_GZRS'
  'Standard_RAGRS'
  'Standard_RAGZRS'
])
param storageSku string = ''

@description('Days that logs are kept.')
@allowed([
  30
  60
  90
  120
  180
  270
  365
])
param logRetentionDays int = 90

@description('Gigabytes of logs per day, after which no more are accepted until the next day: a fault that logs endlessly stays cheap, and the missing heartbeat raises an alert. -1 for no limit.')
@minValue(-1)
@maxValue(100)
param logDailyCapGb int = 1

@description('Days for which deleted items in Key Vault and blob storage can be restored. Key Vault does not allow a later change, and reserves the name of a deleted vault for this time: choose 90 for a permanent deployment.')
@minValue(7)
@maxValue(90)
param softDeleteDays int = 7

@description('How one-time passwords are mailed; empty for no mails. docs/password-notification.md lists what each transport needs.')
@allowed([
  ''
  'smtp'
  'graph'
  'ses'
])
param mailWay string = ''

@description('Sender address of one-time password mails; needed with mailWay.')
@maxLength(254)
param mailFrom string = ''

@description('SMTP: host name of the server; its password is the Key Vault secret smtp-password.')
@maxLength(253)
param smtpHost string = ''

@description('SMTP: port.')
@minValue(1)
@maxValue(65535)
param smtpPort int = 587

@description('SMTP: how the connection is protected.')
@allowed([
  'STARTTLS'
  'TLS'
])
param smtpSecurity string = 'STARTTLS'

@description('SMTP: user name; empty if the server requires none, and then no password is read.')
@maxLength(254)
param smtpUser string = ''

@description('SMTP: certificates in PEM of your own authority, trusted instead of the public ones; empty for the public ones.')
@maxLength(20000)
param smtpAuthority string = ''

@description('SMTP: whether the server\'s name may lead to an address of your own network.')
param smtpPrivateNetwork bool = false

@description('Amazon SES: region, such as eu-central-1; the secret access key is the Key Vault secret ses-secret-access-key.')
@maxLength(30)
param sesRegion string = ''

@description('Amazon SES: access key id.')
@maxLength(128)
param sesAccessKeyId string = ''

@description('Microsoft Graph: client id of the app that has Mail.Send, with its secret in Key Vault as mail-client-secret; empty for the app\'s own identity.')
@maxLength(36)
param mailClientId string = ''

@description('Microsoft\'s cloud, which says the hosts of Entra and Microsoft Graph; the deployment\'s own, or AzureUSGovernmentDoD.')
@maxLength(40)
param cloud string = environment().name

@description('Address of a package that the deployment installs, as in a release; empty if azd, a pipeline or a person installs it.')
@maxLength(2000)
param packageUrl string = ''

// Names of resources allow fewer characters than names of environments. A shortened or changed name gets the hash of the
// original, so that no two are equal.
var words = filter(
  split(replace(replace(replace(replace(toLower(environmentName), '_', '-'), '.', '-'), '(', '-'), ')', '-'), '-'),
  word => !empty(word)
)
var shortened = join(filter(split(take(join(words, '-'), 12), '-'), word => !empty(word)), '-')
var slug = shortened == environmentName
  ? shortened
  : join(filter([shortened, take(uniqueString(environmentName), 4)], word => !empty(word)), '-')

var groupName = resourceGroupName != '' ? resourceGroupName : 'rg-zoho-bridge-${slug}'
var token = uniqueString(subscription().id, environmentName, location, groupName)
var name = 'zoho-bridge-${slug}'
var allTags = union(tags, {
  'azd-env-name': environmentName
  product: 'entra-zoho-one-bridge'
})
var sku = storageSku != ''
  ? storageSku
  : contains(loadJsonContent('regions.json', 'withZones'), location) ? 'Standard_ZRS' : 'Standard_LRS'

// Referenced names are computed here instead of read from the modules' outputs: what-if only works with known names.
var identityName = 'id-${name}'
var storageName = 'st${token}'
var vaultName = 'kv-${token}'
var insightsName = 'appi-${name}'
var appName = 'func-${name}-${take(token, 6)}'
var networkName = 'vnet-${name}'
var identityId = resourceId(
  subscription().subscriptionId,
  groupName,
  'Microsoft.ManagedIdentity/userAssignedIdentities',
  identityName
)
var appSubnetId = resourceId(
  subscription().subscriptionId,
  groupName,
  'Microsoft.Network/virtualNetworks/subnets',
  networkName,
  'app'
)
var endpointSubnetId = resourceId(
  subscription().subscriptionId,
  groupName,
  'Microsoft.Network/virtualNetworks/subnets',
  networkName,
  'private-endpoints'
)

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: groupName
  location: location
  tags: allTags
}

module identity 'br/public:avm/res/managed-identity/user-assigned-identity:0.6.0' = {
  scope: group
  params: {
    name: identityName
    location: location
    tags: allTags
    enableTelemetry: false
  }
}

module monitoring 'modules/monitoring.bicep' = {
  scope: group
  params: {
    name: name
    insightsName: insightsName
    location: location
    tags: allTags
    retentionDays: logRetentionDays
    dailyCapGb: logDailyCapGb
  }
}

module network 'modules/network.bicep' = if (privateNetwork) {
  scope: group
  params: {
    name: name
    networkName: networkName
    location: location
    tags: allTags
    addressPrefix: addressPrefix
    appSubnetPrefix: appSubnetPrefix
    endpointSubnetPrefix: endpointSubnetPrefix
    outboundAddress: outboundAddress
  }
}

module storage 'modules/storage.bicep' = {
  scope: group
  params: {
    name: storageName
    location: location
    tags: allTags
    sku: sku
    softDeleteDays: softDeleteDays
    isPrivate: privateNetwork
    workspaceId: monitoring.outputs.workspaceId
  }
}

module keyVault 'modules/key-vault.bicep' = {
  scope: group
  params: {
    name: vaultName
    location: location
    tags: allTags
    softDeleteDays: softDeleteDays
    isPrivate: privateNetwork
    workspaceId: monitoring.outputs.workspaceId
  }
}

module storageEndpoints 'modules/private-endpoints.bicep' = if (privateNetwork) {
  scope: group
  params: {
    name: storageName
    location: location
    tags: allTags
    targetId: resourceId(subscription().subscriptionId, groupName, 'Microsoft.Storage/storageAccounts', storageName)
    parts: [
      'blob'
      'queue'
      'table'
    ]
    subnetId: endpointSubnetId
  }
  dependsOn: [
    network
    storage
  ]
}

module keyVaultEndpoint 'modules/private-endpoints.bicep' = if (privateNetwork) {
  scope: group
  params: {
    name: vaultName
    location: location
    tags: allTags
    targetId: resourceId(subscription().subscriptionId, groupName, 'Microsoft.KeyVault/vaults', vaultName)
    parts: [
      'vault'
    ]
    subnetId: endpointSubnetId
  }
  dependsOn: [
    network
    keyVault
  ]
}

module roles 'modules/roles.bicep' = {
  scope: group
  params: {
    storageName: storageName
    vaultName: vaultName
    insightsName: insightsName
    // Part of the names of role assignments, so that a recreated identity gets new assignments.
    #disable-next-line what-if-short-circuiting
    principalId: identity.outputs.principalId
  }
  dependsOn: [
    storage
    keyVault
    monitoring
  ]
}

module functionApp 'modules/function-app.bicep' = {
  scope: group
  params: {
    name: appName
    planName: 'plan-${name}'
    location: location
    tags: allTags
    identityId: identityId
    identityClientId: identity.outputs.clientId
    storageName: storageName
    deploymentContainer: storage.outputs.deploymentContainer
    vaultUri: keyVault.outputs.uri
    insightsConnectionString: monitoring.outputs.connectionString
    workspaceId: monitoring.outputs.workspaceId
    appSubnetId: privateNetwork ? appSubnetId : ''
    signInClientId: signInClientId
    publicUrl: publicUrl
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
    httpConcurrency: min(httpConcurrency, workerThreads)
    alwaysReadyInstances: alwaysReadyInstances
    zoneRedundant: zoneRedundant
    workerThreads: workerThreads
    leaseSeconds: leaseSeconds
    mailWay: mailWay
    mailFrom: mailFrom
    smtpHost: smtpHost
    smtpPort: smtpPort
    smtpSecurity: smtpSecurity
    smtpUser: smtpUser
    smtpAuthority: smtpAuthority
    smtpPrivateNetwork: smtpPrivateNetwork
    sesRegion: sesRegion
    sesAccessKeyId: sesAccessKeyId
    mailClientId: mailClientId
    cloud: cloud
  }
  dependsOn: [
    network
    roles // the app reads its package, its tables and its vault references from its first second on
  ]
}

module package 'modules/package.bicep' = if (packageUrl != '') {
  scope: group
  params: {
    appName: appName
    packageUrl: packageUrl
  }
  dependsOn: [
    functionApp
  ]
}

module alerts 'modules/alerts.bicep' = {
  scope: group
  params: {
    name: name
    location: location
    tags: allTags
    workspaceId: monitoring.outputs.workspaceId
    emails: alertEmails
    silentMinutes: silentMinutes
  }
}

module workbook 'modules/workbook.bicep' = {
  scope: group
  params: {
    displayName: 'Zoho One bridge (${environmentName})'
    location: location
    tags: allTags
    workspaceId: monitoring.outputs.workspaceId
    storageId: storage.outputs.id
  }
}

@description('Resource group of everything.')
output AZURE_RESOURCE_GROUP string = group.name

@description('Name of the function app.')
output FUNCTION_APP_NAME string = functionApp.outputs.name

@description('Name of the Key Vault.')
output KEY_VAULT_NAME string = keyVault.outputs.name

@description('Name of the storage account with the tables.')
output STORAGE_ACCOUNT_NAME string = storage.outputs.name

@description('Start of Entra\'s Tenant URL; the id of a directory store follows.')
output SYNC_ENDPOINT string = '${functionApp.outputs.url}/scim/'

@description('Authorized redirect URI of the client in Zoho\'s API console.')
output ZOHO_CALLBACK_URL string = '${functionApp.outputs.url}/oauth/callback'

@description('Where administrators set up directory stores.')
output CONSOLE_URL string = '${functionApp.outputs.url}/console'

@description('Redirect URI of the app registration that administrators sign in with.')
output SIGN_IN_CALLBACK_URL string = '${functionApp.outputs.url}/console/sign-in/callback'

@description('Client id of the app registration that administrators sign in with.')
output SIGN_IN_CLIENT_ID string = signInClientId

@description('Object id of the app\'s managed identity: it gets the Graph permissions, and the sign-in app trusts it.')
output IDENTITY_PRINCIPAL_ID string = identity.outputs.principalId

@description('Client id of the app\'s managed identity.')
output IDENTITY_CLIENT_ID string = identity.outputs.clientId
