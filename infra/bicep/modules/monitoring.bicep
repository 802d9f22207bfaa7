// Log Analytics, and Application Insights on top of it. Telemetry is taken from the app's identity only.

@description('What the resources are named after.')
@minLength(3)
@maxLength(40)
param name string

@description('Region.')
param location string

@description('Tags.')
param tags object

@description('Days that logs are kept.')
@minValue(30)
@maxValue(365)
param retentionDays int

@description('Object id of the app\'s identity, which sends telemetry.')
@minLength(36)
@maxLength(36)
param principalId string

var roles = loadJsonContent('../roles.json')

module workspace 'br/public:avm/res/operational-insights/workspace:0.12.0' = {
  name: 'workspace'
  params: {
    name: 'log-${name}'
    location: location
    tags: tags
    dataRetention: retentionDays
    enableTelemetry: false
  }
}

module insights 'br/public:avm/res/insights/component:0.6.0' = {
  name: 'insights'
  params: {
    name: 'appi-${name}'
    location: location
    tags: tags
    kind: 'web'
    workspaceResourceId: workspace.outputs.resourceId
    retentionInDays: retentionDays
    disableLocalAuth: true
    disableIpMasking: false
    roleAssignments: [
      {
        principalId: principalId
        principalType: 'ServicePrincipal'
        roleDefinitionIdOrName: roles['Monitoring Metrics Publisher']
      }
    ]
    enableTelemetry: false
  }
}

@description('The Log Analytics workspace.')
output workspaceId string = workspace.outputs.resourceId

@description('Where telemetry goes. No secret: without the app\'s identity nothing is taken.')
output connectionString string = insights.outputs.connectionString
