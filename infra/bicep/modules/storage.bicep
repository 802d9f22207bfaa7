// The storage account: tables with the directory stores, queues of cycles, the deployed package. No key opens it.
//
// Written out instead of using Azure Verified Modules, like the Key Vault and the function app: these three hold secrets,
// so the checks read each property as Azure does.

import { Tags } from '../types.bicep'

@description('Name of the account.')
@minLength(3)
@maxLength(24)
param name string

@description('Region.')
param location string

@description('Tags.')
param tags Tags

@description('Redundancy.')
param sku string

@description('Days for which a deleted blob or container can be restored.')
@minValue(7)
@maxValue(90)
param softDeleteDays int

@description('Whether it is reachable through private endpoints only.')
param isPrivate bool

@description('Log Analytics workspace.')
param workspaceId string

// The tables of TABLES in shared/tables/service.py, created here as well, so that the first start is fast.
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
  'sessions'
  'accounts'
]

var queues = [
  'cycles'
  'cycles-poison'
  'errands'
  'errands-poison'
]

var deploymentContainerName = 'deployments'

resource account 'Microsoft.Storage/storageAccounts@2026-06-01' = {
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

resource blobService 'Microsoft.Storage/storageAccounts/blobServices@2026-06-01' = {
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

resource deploymentContainer 'Microsoft.Storage/storageAccounts/blobServices/containers@2026-06-01' = {
  parent: blobService
  name: deploymentContainerName
  properties: {
    publicAccess: 'None'
  }
}

resource queueService 'Microsoft.Storage/storageAccounts/queueServices@2026-06-01' = {
  parent: account
  name: 'default'
}

resource queue 'Microsoft.Storage/storageAccounts/queueServices/queues@2026-06-01' = [
  for queueName in queues: {
    parent: queueService
    name: queueName
  }
]

resource tableService 'Microsoft.Storage/storageAccounts/tableServices@2026-06-01' = {
  parent: account
  name: 'default'
}

resource table 'Microsoft.Storage/storageAccounts/tableServices/tables@2026-06-01' = [
  for tableName in tables: {
    parent: tableService
    name: tableName
  }
]

// Logs who deleted a table or a blob from outside the app. Reads are not logged: each push reads, and they do not say who
// changed what. Nor are queues: the app polls them every two seconds, and the host itself logs when a message moves to a
// poison queue.
#disable-next-line use-recent-api-versions // there is no newer one
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

#disable-next-line use-recent-api-versions // there is no newer one
resource queueMetrics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-log-analytics'
  scope: queueService
  properties: {
    workspaceId: workspaceId
    metrics: [
      {
        category: 'Transaction'
        enabled: true
      }
    ]
  }
}

#disable-next-line use-recent-api-versions // there is no newer one
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

@description('The account.')
output id string = account.id

@description('Name of the account.')
output name string = account.name

@description('URL of the container for the deployed package.')
output deploymentContainer string = '${account.properties.primaryEndpoints.blob}${deploymentContainer.name}'
