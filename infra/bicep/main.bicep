// Everything an organisation needs to run the bridge, in a resource group of its own. Deploying it again changes
// nothing: no name, no secret and no time is made up at deployment.
targetScope = 'subscription'

metadata name = 'Entra → Zoho One bridge'
metadata description = 'A function app on Flex Consumption with its storage, Key Vault, monitoring and sign-in.'

@description('Name of this deployment, a part of every resource name: prod, test or the like.')
@minLength(1)
@maxLength(12)
param environmentName string

@description('Azure region of every resource; it must offer Flex Consumption (az functionapp list-flexconsumption-locations).')
@minLength(3)
@maxLength(30)
param location string

@description('Resource group, which is made where it is missing.')
@minLength(1)
@maxLength(90)
param resourceGroupName string = 'rg-zoho-bridge-${environmentName}'

@description('Application (client) ID of the app registration that administrators sign in with: infra/scripts/sign-in-app.sh prints it.')
@minLength(36)
@maxLength(36)
param authClientId string

@description('Addresses that alerts are mailed to; nobody is mailed where it is empty.')
@maxLength(10)
param alertEmails array = []

@description('Minutes without a successful cycle after which somebody is told: three intervals of the slowest store, and 120 at least.')
@minValue(120)
@maxValue(2880)
param silentMinutes int = 120

@description('Tags of every resource, besides those that name the product and the environment.')
param tags object = {}

@description('The address by which Entra reaches the app, where a proxy or a domain of your own stands before it; empty for its own.')
@maxLength(200)
param publicUrl string = ''

@description('Whether storage and Key Vault are reached through private endpoints in a virtual network only. The resource provider Microsoft.App must be registered in the subscription.')
param privateNetwork bool = false

@description('Address space of that virtual network.')
@minLength(9)
@maxLength(18)
param addressPrefix string = '10.61.0.0/24'

@description('Its subnet for the app\'s instances, a /27 at least; /26 serves the greatest number of them.')
@minLength(9)
@maxLength(18)
param appSubnetPrefix string = '10.61.0.0/26'

@description('Its subnet for the private endpoints.')
@minLength(9)
@maxLength(18)
param endpointSubnetPrefix string = '10.61.0.64/26'

@description('Memory of an instance, in MB.')
@allowed([
  512
  2048
  4096
])
param instanceMemoryMB int = 2048

@description('Instances at the most. A store is worked on by one of them; pushes are spread over all.')
@minValue(40)
@maxValue(1000)
param maximumInstanceCount int = 40

@description('Instances for HTTP that are never switched off, so that the first push after a pause is not slow: each costs, see docs/cost.md.')
@minValue(0)
@maxValue(10)
param alwaysReadyInstances int = 0

@description('Whether instances are spread over zones: the region must offer it for Flex Consumption, and needs alwaysReadyInstances of 2 at least.')
param zoneRedundant bool = false

@description('Requests and messages that one worker works on at once.')
@minValue(1)
@maxValue(128)
param workerThreads int = 32

@description('How long one request may write one person, in seconds: longer than the calls it makes.')
@minValue(30)
@maxValue(600)
param leaseSeconds int = 90

@description('Redundancy of the tables: three copies in one data centre (LRS), in three (ZRS), or in a second region as well.')
@allowed([
  'Standard_LRS'
  'Standard_ZRS'
  'Standard_GRS'
  'Standard_GZRS'
  'Standard_RAGRS'
  'Standard_RAGZRS'
])
param storageSku string = 'Standard_ZRS'

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

@description('Days for which what was deleted in Key Vault and in blob storage can be brought back; Key Vault keeps to the first choice.')
@minValue(7)
@maxValue(90)
param softDeleteDays int = 90

@description('How one-time passwords are mailed; empty where none are. docs/password-notification.md has what each way needs.')
@allowed([
  ''
  'smtp'
  'graph'
  'ses'
])
param mailWay string = ''

@description('Address that one-time password mails come from; needed with mailWay.')
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

@description('SMTP: user name; empty where the server asks for none, and then no password is read.')
@maxLength(254)
param smtpUser string = ''

@description('SMTP: certificates in PEM of your own authority, trusted instead of the public ones; empty for the public ones.')
@maxLength(20000)
param smtpAuthority string = ''

@description('Amazon SES: region, such as eu-central-1; the secret access key is the Key Vault secret ses-secret-access-key.')
@maxLength(30)
param sesRegion string = ''

@description('Amazon SES: access key id.')
@maxLength(128)
param sesAccessKeyId string = ''

@description('Microsoft Graph: client id of the app that has Mail.Send, with its secret in Key Vault as mail-client-secret; empty for the app\'s own identity.')
@maxLength(36)
param mailClientId string = ''

var token = uniqueString(subscription().id, environmentName, location)
var name = 'zoho-bridge-${environmentName}'
var allTags = union(tags, {
  'azd-env-name': environmentName
  product: 'entra-zoho-one-bridge'
})

resource group 'Microsoft.Resources/resourceGroups@2024-07-01' = {
  name: resourceGroupName
  location: location
  tags: allTags
}

module identity 'br/public:avm/res/managed-identity/user-assigned-identity:0.4.3' = {
  name: 'identity'
  scope: group
  params: {
    name: 'id-${name}'
    location: location
    tags: allTags
    enableTelemetry: false
  }
}

module monitoring 'modules/monitoring.bicep' = {
  name: 'monitoring'
  scope: group
  params: {
    name: name
    location: location
    tags: allTags
    retentionDays: logRetentionDays
    principalId: identity.outputs.principalId
  }
}

module network 'modules/network.bicep' = if (privateNetwork) {
  name: 'network'
  scope: group
  params: {
    name: name
    location: location
    tags: allTags
    addressPrefix: addressPrefix
    appSubnetPrefix: appSubnetPrefix
    endpointSubnetPrefix: endpointSubnetPrefix
  }
}

module storage 'modules/storage.bicep' = {
  name: 'storage'
  scope: group
  params: {
    name: 'st${token}'
    location: location
    tags: allTags
    sku: storageSku
    softDeleteDays: softDeleteDays
    isPrivate: privateNetwork
    endpointSubnetId: privateNetwork ? network!.outputs.endpointSubnetId : ''
    dnsZoneIds: privateNetwork ? network!.outputs.dnsZoneIds : {}
    principalId: identity.outputs.principalId
    workspaceId: monitoring.outputs.workspaceId
  }
}

module keyVault 'modules/key-vault.bicep' = {
  name: 'key-vault'
  scope: group
  params: {
    name: 'kv-${token}'
    location: location
    tags: allTags
    softDeleteDays: softDeleteDays
    isPrivate: privateNetwork
    endpointSubnetId: privateNetwork ? network!.outputs.endpointSubnetId : ''
    dnsZoneIds: privateNetwork ? network!.outputs.dnsZoneIds : {}
    principalId: identity.outputs.principalId
    workspaceId: monitoring.outputs.workspaceId
  }
}

module functionApp 'modules/function-app.bicep' = {
  name: 'function-app'
  scope: group
  params: {
    name: 'func-${name}-${take(token, 6)}'
    planName: 'plan-${name}'
    location: location
    tags: allTags
    identityId: identity.outputs.resourceId
    identityClientId: identity.outputs.clientId
    storageName: storage.outputs.name
    deploymentContainer: storage.outputs.deploymentContainer
    vaultUri: keyVault.outputs.uri
    insightsConnectionString: monitoring.outputs.connectionString
    workspaceId: monitoring.outputs.workspaceId
    appSubnetId: privateNetwork ? network!.outputs.appSubnetId : ''
    authClientId: authClientId
    publicUrl: publicUrl
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
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
    sesRegion: sesRegion
    sesAccessKeyId: sesAccessKeyId
    mailClientId: mailClientId
  }
}

module alerts 'modules/alerts.bicep' = {
  name: 'alerts'
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
  name: 'workbook'
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

@description('Name of the function app, for func azure functionapp publish.')
output FUNCTION_APP_NAME string = functionApp.outputs.name

@description('Name of the Key Vault.')
output KEY_VAULT_NAME string = keyVault.outputs.name

@description('Name of the storage account with the tables.')
output STORAGE_ACCOUNT_NAME string = storage.outputs.name

@description('What Entra\'s Tenant URL begins with: the id of a directory store follows.')
output SYNC_ENDPOINT string = '${functionApp.outputs.url}/scim/'

@description('Authorized redirect URI of the client in Zoho\'s API console.')
output ZOHO_CALLBACK_URL string = '${functionApp.outputs.url}/oauth/callback'

@description('Where administrators set up directory stores.')
output CONSOLE_URL string = '${functionApp.outputs.url}/console'

@description('Redirect URI of the app registration that administrators sign in with.')
output SIGN_IN_CALLBACK_URL string = '${functionApp.outputs.url}/.auth/login/aad/callback'

@description('Object id of the app\'s managed identity: it takes the Graph permissions, and is trusted by the sign-in app.')
output IDENTITY_PRINCIPAL_ID string = identity.outputs.principalId

@description('Client id of the app\'s managed identity.')
output IDENTITY_CLIENT_ID string = identity.outputs.clientId
