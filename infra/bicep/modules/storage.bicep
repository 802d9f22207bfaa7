// The storage account: tables with the directory stores, queues of cycles, the deployed package. No key opens it.
//
// Written out, and not taken from Azure Verified Modules, as the Key Vault and the function app are: these three hold
// what is secret, so the checks read each property as Azure does.

@description('Name of the account.')
@minLength(3)
@maxLength(24)
param name string

@description('Region.')
param location string

@description('Tags.')
param tags object

@description('Redundancy.')
param sku string

@description('Days for which a deleted blob or container can be brought back.')
@minValue(7)
@maxValue(90)
param softDeleteDays int

@description('Whether it is reached through private endpoints only.')
param isPrivate bool

@description('Subnet of the private endpoints; empty where there are none.')
param endpointSubnetId string

@description('Private DNS zones by part; empty where there are none.')
param dnsZoneIds object

@description('Object id of the app\'s identity.')
@minLength(36)
@maxLength(36)
param principalId string

@description('Log Analytics workspace.')
param workspaceId string

var roles = loadJsonContent('../roles.json')

// What shared/tables/service.py calls TABLES: made here as well, so that the first start has nothing to make.
var tables = [
  'mappings'
  'stores'
  'identities'
  'secrets'
  'consents'
  'leases'
  'runs'
  'heldplans'
  'entra'
  'errands'
]

var queues = [
  'cycles'
  'cycles-poison'
  'errands'
  'errands-poison'
]

// The platform keeps its own leases and keys in blobs, and needs to own those containers.
// https://learn.microsoft.com/azure/azure-functions/functions-reference#connecting-to-host-storage-with-an-identity
var dataRoles = [
  'Storage Blob Data Owner'
  'Storage Queue Data Contributor'
  'Storage Table Data Contributor'
]

var deploymentContainerName = 'deployments'

resource account 'Microsoft.Storage/storageAccounts@2024-01-01' = {
  // checkov:skip=CKV_AZURE_35:isPrivate denies; without a virtual network the role and the app's identity are the guard
  // checkov:skip=CKV_AZURE_43:the rule cannot read a parameter; its bounds and the name in main.bicep keep to the rules of names
  // checkov:skip=CKV_AZURE_206:sku is a parameter, and three copies in three data centres unless chosen otherwise
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: {
    name: sku
  }
  properties: {
    accessTier: 'Hot'
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: isPrivate ? 'Disabled' : 'Enabled'
    networkAcls: {
      bypass: 'None'
      defaultAction: isPrivate ? 'Deny' : 'Allow'
    }
    encryption: {
      keySource: 'Microsoft.Storage'
      requireInfrastructureEncryption: true
      services: {
        blob: {
          enabled: true
          keyType: 'Account'
        }
        queue: {
          enabled: true
          keyType: 'Account'
        }
        table: {
          enabled: true
          keyType: 'Account'
        }
      }
    }
  }
}

resource blobService 'Microsoft.Storage/storageAccounts/blobServices@2024-01-01' = {
  parent: account
  name: 'default'
  properties: {
    deleteRetentionPolicy: {
      enabled: true
      days: softDeleteDays
    }
    containerDeleteRetentionPolicy: {
      enabled: true
      days: softDeleteDays
    }
  }
}

resource deploymentContainer 'Microsoft.Storage/storageAccounts/blobServices/containers@2024-01-01' = {
  parent: blobService
  name: deploymentContainerName
  properties: {
    publicAccess: 'None'
  }
}

resource queueService 'Microsoft.Storage/storageAccounts/queueServices@2024-01-01' = {
  parent: account
  name: 'default'
}

resource queue 'Microsoft.Storage/storageAccounts/queueServices/queues@2024-01-01' = [for queueName in queues: {
  parent: queueService
  name: queueName
}]

resource tableService 'Microsoft.Storage/storageAccounts/tableServices@2024-01-01' = {
  parent: account
  name: 'default'
}

resource table 'Microsoft.Storage/storageAccounts/tableServices/tables@2024-01-01' = [for tableName in tables: {
  parent: tableService
  name: tableName
}]

resource dataRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for role in dataRoles: {
  name: guid(account.id, principalId, roles[role])
  scope: account
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles[role])
  }
}]

// Who changed a table or a blob from outside the app, and what went into a poison queue. Reads are not kept: each push
// reads, and they say nothing of who changed what.
resource blobLogs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-log-analytics'
  scope: blobService
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        category: 'StorageDelete'
        enabled: true
      }
    ]
    metrics: [
      {
        category: 'Transaction'
        enabled: true
      }
    ]
  }
}

resource queueLogs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-log-analytics'
  scope: queueService
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        category: 'StorageWrite'
        enabled: true
      }
    ]
    metrics: [
      {
        category: 'Transaction'
        enabled: true
      }
    ]
  }
}

resource tableLogs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-log-analytics'
  scope: tableService
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        category: 'StorageDelete'
        enabled: true
      }
    ]
    metrics: [
      {
        category: 'Transaction'
        enabled: true
      }
    ]
  }
}

module endpoints 'private-endpoints.bicep' = if (isPrivate) {
  name: 'storage-endpoints'
  params: {
    name: name
    location: location
    tags: tags
    resourceId: account.id
    parts: [
      'blob'
      'queue'
      'table'
    ]
    subnetId: endpointSubnetId
    dnsZoneIds: dnsZoneIds
  }
}

@description('The account.')
output id string = account.id

@description('Name of the account.')
output name string = account.name

@description('URL of the container that the deployed package is put into.')
output deploymentContainer string = '${account.properties.primaryEndpoints.blob}${deploymentContainer.name}'
