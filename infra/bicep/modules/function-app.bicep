// The function app: Flex Consumption, Python, with its user-assigned identity for every access.

import { Tags } from '../types.bicep'

@description('Name of the function app, the first part of its address.')
@minLength(2)
@maxLength(60)
param name string

@description('Name of its plan.')
@minLength(1)
@maxLength(60)
param planName string

@description('Region.')
param location string

@description('Tags.')
param tags Tags

@description('The user-assigned identity.')
param identityId string

@description('Client id of the identity.')
@minLength(36)
@maxLength(36)
param identityClientId string

@description('Storage account of the tables, the queues and the deployed package.')
param storageName string

@description('URL of the container for the deployed package.')
param deploymentContainer string

@description('Key Vault with the secrets, with a slash at the end.')
param vaultUri string

@description('Where telemetry goes.')
param insightsConnectionString string

@description('Log Analytics workspace.')
param workspaceId string

@description('Subnet of the app\'s instances; empty for none.')
param appSubnetId string

@description('App registration that administrators sign in with.')
@minLength(36)
@maxLength(36)
param signInClientId string

@description('The app\'s address for Entra if it differs from the app\'s own; otherwise empty.')
param publicUrl string

@description('Memory of an instance, in MB.')
param instanceMemoryMB int

@description('Maximum number of instances.')
param maximumInstanceCount int

@description('Simultaneous requests per instance.')
param httpConcurrency int

@description('HTTP instances that always run.')
param alwaysReadyInstances int

@description('Whether instances are spread over zones.')
param zoneRedundant bool

@description('Simultaneous requests and messages per worker.')
param workerThreads int

@description('Lease duration of a request for one person, in seconds.')
param leaseSeconds int

@description('How one-time passwords are mailed; empty for no mails.')
param mailWay string

@description('Sender of those mails.')
param mailFrom string

@description('SMTP server.')
param smtpHost string

@description('SMTP port.')
param smtpPort int

@description('How the SMTP connection is protected.')
param smtpSecurity string

@description('SMTP user; empty for none.')
param smtpUser string

@description('Certificates in PEM that the SMTP server is checked against; empty for the public ones.')
param smtpAuthority string

@description('Whether the SMTP server\'s name may lead to an address of the organisation\'s own network.')
param smtpPrivateNetwork bool

@description('Region of Amazon SES.')
param sesRegion string

@description('Access key id of Amazon SES.')
param sesAccessKeyId string

@description('App that has Mail.Send; empty for the app\'s own identity.')
param mailClientId string

@description('Microsoft\'s cloud: the hosts of Entra and Microsoft Graph.')
param cloud string

var address = publicUrl == '' ? 'https://${app.properties.defaultHostName}' : publicUrl

var storageSuffix = environment().suffixes.storage

var settings = {
  // https://learn.microsoft.com/azure/azure-functions/functions-reference#connecting-to-host-storage-with-an-identity
  AzureWebJobsStorage__accountName: storageName
  AzureWebJobsStorage__blobServiceUri: 'https://${storageName}.blob.${storageSuffix}'
  AzureWebJobsStorage__queueServiceUri: 'https://${storageName}.queue.${storageSuffix}'
  AzureWebJobsStorage__tableServiceUri: 'https://${storageName}.table.${storageSuffix}'
  AzureWebJobsStorage__credential: 'managedidentity'
  AzureWebJobsStorage__clientId: identityClientId
  APPLICATIONINSIGHTS_CONNECTION_STRING: insightsConnectionString
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identityClientId};Authorization=AAD'
  AzureWebJobsDisableHomepage: 'true'
  // Bytes. The host refuses more with a bare 500 (https://github.com/Azure/azure-functions-host/issues/10519); the app
  // answers what is between this and its own limit of 1 MiB with a 413 that says so.
  FUNCTIONS_REQUEST_BODY_SIZE_LIMIT: '8388608'
  PYTHON_THREADPOOL_THREAD_COUNT: string(workerThreads)
  BRIDGE_ENCRYPTION_KEYS: '@Microsoft.KeyVault(SecretUri=${vaultUri}secrets/encryption-keys)'
  BRIDGE_LEASE_SECONDS: string(leaseSeconds)
  // Configured, not taken from the request's Host header.
  BRIDGE_PUBLIC_URL: address
  // The console authenticates to Entra with the identity, so that there is no client secret to store and renew.
  // https://learn.microsoft.com/entra/workload-id/workload-identity-federation-config-app-trust-managed-identity
  BRIDGE_CLOUD: cloud
  BRIDGE_SIGN_IN_TENANT_ID: tenant().tenantId
  BRIDGE_SIGN_IN_CLIENT_ID: signInClientId
  BRIDGE_SIGN_IN_IDENTITY_CLIENT_ID: identityClientId
}

var mailSettings = mailWay == ''
  ? {}
  : {
      BRIDGE_MAIL: mailWay
      BRIDGE_MAIL_FROM: mailFrom
    }

var smtpSettings = mailWay != 'smtp'
  ? {}
  : {
      BRIDGE_SMTP_HOST: smtpHost
      BRIDGE_SMTP_PORT: string(smtpPort)
      BRIDGE_SMTP_SECURITY: smtpSecurity
      BRIDGE_SMTP_PRIVATE_NETWORK: string(smtpPrivateNetwork)
    }

var smtpUserSettings = mailWay != 'smtp' || smtpUser == ''
  ? {}
  : {
      BRIDGE_SMTP_USER: smtpUser
      BRIDGE_SMTP_PASSWORD: '@Microsoft.KeyVault(SecretUri=${vaultUri}secrets/smtp-password)'
    }

var smtpAuthoritySettings = mailWay != 'smtp' || smtpAuthority == ''
  ? {}
  : {
      BRIDGE_SMTP_AUTHORITY: smtpAuthority
    }

var sesSettings = mailWay != 'ses'
  ? {}
  : {
      BRIDGE_SES_REGION: sesRegion
      BRIDGE_SES_ACCESS_KEY_ID: sesAccessKeyId
      BRIDGE_SES_SECRET_ACCESS_KEY: '@Microsoft.KeyVault(SecretUri=${vaultUri}secrets/ses-secret-access-key)'
    }

// Without a separate app for mail, the function app's identity sends, which has no secret.
var graphMailSettings = mailWay != 'graph'
  ? {}
  : {
      BRIDGE_MAIL_TENANT_ID: tenant().tenantId
      BRIDGE_MAIL_CLIENT_ID: mailClientId == '' ? identityClientId : mailClientId
    }

var graphSecretSettings = mailWay != 'graph' || mailClientId == ''
  ? {}
  : {
      BRIDGE_MAIL_CLIENT_SECRET: '@Microsoft.KeyVault(SecretUri=${vaultUri}secrets/mail-client-secret)'
    }

resource plan 'Microsoft.Web/serverfarms@2025-03-01' = {
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: {
    name: 'FC1'
    tier: 'FlexConsumption'
  }
  properties: {
    reserved: true
    zoneRedundant: zoneRedundant
  }
}

resource app 'Microsoft.Web/sites@2025-03-01' = {
  name: name
  location: location
  tags: union(tags, {
    'azd-service-name': 'bridge'
  })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    clientAffinityEnabled: false
    keyVaultReferenceIdentity: identityId
    virtualNetworkSubnetId: appSubnetId == '' ? null : appSubnetId
    publicNetworkAccess: 'Enabled' // Entra's provisioning service calls from the internet
    // Flex Consumption refuses most properties of other plans here: infra/checks/flex.json has those it accepts.
    siteConfig: {
      minTlsVersion: '1.2'
      scmMinTlsVersion: '1.2'
      http20Enabled: true
    }
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: deploymentContainer
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
      runtime: {
        name: 'python'
        version: '3.13'
      }
      scaleAndConcurrency: {
        instanceMemoryMB: instanceMemoryMB
        maximumInstanceCount: maximumInstanceCount
        // host.json's limits of requests have no effect on Flex Consumption: https://github.com/Azure/azure-functions-host/issues/11790
        triggers: {
          http: {
            perInstanceConcurrency: httpConcurrency
          }
        }
        alwaysReady: alwaysReadyInstances == 0
          ? []
          : [
              {
                name: 'http'
                instanceCount: alwaysReadyInstances
              }
            ]
      }
    }
  }
}

resource appSettings 'Microsoft.Web/sites/config@2025-03-01' = {
  parent: app
  name: 'appsettings'
  properties: union(
    settings,
    mailSettings,
    smtpSettings,
    smtpUserSettings,
    smtpAuthoritySettings,
    sesSettings,
    graphMailSettings,
    graphSecretSettings
  )
}

resource ftpPublishing 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2025-03-01' = {
  parent: app
  name: 'ftp'
  properties: {
    allow: false
  }
  dependsOn: [
    appSettings // one change of a new site at a time: it answers 409 to the second
  ]
}

resource scmPublishing 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2025-03-01' = {
  parent: app
  name: 'scm'
  properties: {
    allow: false
  }
  dependsOn: [
    ftpPublishing
  ]
}

// Metrics only: the app's log lines are in Application Insights already, and would be billed twice.
#disable-next-line use-recent-api-versions // there is no newer one
resource appMetrics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-log-analytics'
  scope: app
  properties: {
    workspaceId: workspaceId
    metrics: [
      {
        category: 'AllMetrics'
        enabled: true
      }
    ]
  }
  dependsOn: [
    scmPublishing
  ]
}

@description('Name of the app.')
output name string = app.name

@description('Public address of the app.')
output url string = address
