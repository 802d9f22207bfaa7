// The Key Vault with the encryption keys and the secrets of the mail server. infra/scripts/encryption-key.sh fills it.

@description('Name of the vault.')
@minLength(3)
@maxLength(24)
param name string

@description('Region.')
param location string

@description('Tags.')
param tags object

@description('Days for which a deleted secret can be brought back.')
@minValue(7)
@maxValue(90)
param softDeleteDays int

@description('Whether it is reached through a private endpoint only.')
param isPrivate bool

@description('Subnet of the private endpoint; empty where there is none.')
param endpointSubnetId string

@description('Private DNS zones by part; empty where there are none.')
param dnsZoneIds object

@description('Object id of the app\'s identity, which reads secrets.')
@minLength(36)
@maxLength(36)
param principalId string

@description('Log Analytics workspace.')
param workspaceId string

var roles = loadJsonContent('../roles.json')

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' = {
  // checkov:skip=CKV_AZURE_109:isPrivate denies; without a virtual network the role and the app's identity are the guard
  name: name
  location: location
  tags: tags
  properties: {
    tenantId: tenant().tenantId
    sku: {
      family: 'A'
      name: 'standard'
    }
    enableRbacAuthorization: true
    enableSoftDelete: true
    enablePurgeProtection: true
    softDeleteRetentionInDays: softDeleteDays
    enabledForDeployment: false
    enabledForDiskEncryption: false
    enabledForTemplateDeployment: false
    publicNetworkAccess: isPrivate ? 'Disabled' : 'Enabled'
    networkAcls: {
      bypass: 'None'
      defaultAction: isPrivate ? 'Deny' : 'Allow'
    }
  }
}

resource readsSecrets 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(vault.id, principalId, roles['Key Vault Secrets User'])
  scope: vault
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles['Key Vault Secrets User'])
  }
}

resource vaultLogs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-log-analytics'
  scope: vault
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        category: 'AuditEvent'
        enabled: true
      }
    ]
    metrics: [
      {
        category: 'AllMetrics'
        enabled: true
      }
    ]
  }
}

module endpoints 'private-endpoints.bicep' = if (isPrivate) {
  name: 'key-vault-endpoint'
  params: {
    name: name
    location: location
    tags: tags
    resourceId: vault.id
    parts: [
      'vault'
    ]
    subnetId: endpointSubnetId
    dnsZoneIds: dnsZoneIds
  }
}

@description('Name of the vault.')
output name string = vault.name

@description('Address of the vault, with a slash at the end.')
output uri string = vault.properties.vaultUri
