// Log Analytics, and Application Insights on top of it. Telemetry is accepted from the app's identity only.

import { Tags } from '../types.bicep'

@description('What the resources are named after.')
@minLength(3)
@maxLength(40)
param name string

@description('Name of Application Insights.')
param insightsName string

@description('Region.')
param location string

@description('Tags.')
param tags Tags

@description('Days that logs are kept.')
@minValue(30)
@maxValue(365)
param retentionDays int

@description('Gigabytes of logs a day; -1 for no limit.')
param dailyCapGb int

// Queries may be saved without a separate storage account (forceCmkForQuery), and everybody who may read the app's resource
// group can read its logs (enableLogAccessUsingOnlyResourcePermissions); access keys are disabled.
module workspace 'br/public:avm/res/operational-insights/workspace:0.16.1' = {
  params: {
    name: 'log-${name}'
    location: location
    tags: tags
    dataRetention: retentionDays
    dailyQuotaGb: string(dailyCapGb)
    forceCmkForQuery: false
    features: {
      enableLogAccessUsingOnlyResourcePermissions: true
      disableLocalAuth: true
    }
    enableTelemetry: false
  }
}

module insights 'br/public:avm/res/insights/component:0.8.0' = {
  params: {
    name: insightsName
    location: location
    tags: tags
    kind: 'web'
    workspaceResourceId: workspace.outputs.resourceId
    retentionInDays: retentionDays
    disableLocalAuth: true
    disableIpMasking: false
    enableTelemetry: false
  }
}

@description('The Log Analytics workspace.')
output workspaceId string = workspace.outputs.resourceId

@description('Where telemetry goes. Not a secret: telemetry without the app\'s identity is refused.')
output connectionString string = insights.outputs.connectionString
