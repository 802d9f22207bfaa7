// Alerts. docs/operations.md has a runbook for each.

import { Tags } from '../types.bicep'

@description('What the resources are named after.')
@minLength(3)
@maxLength(40)
param name string

@description('Region.')
param location string

@description('Tags.')
param tags Tags

@description('Log Analytics workspace that the rules search.')
param workspaceId string

@description('Recipients of the mails.')
@maxLength(10)
param emails string[]

@description('Minutes without a successful cycle until the alert.')
@minValue(120)
@maxValue(2880)
param silentMinutes int

// The window is the period that a rule searches, each quarter of an hour. Severity 1 is an error that stops provisioning, 2
// a warning. A rule alerts for each row that its query finds, by store; the heartbeat's rule alerts for missing rows:
// silence can neither hide a fault nor end the alert.
var rules = [
  {
    key: 'heartbeat'
    title: 'No heartbeat for 30 minutes'
    query: loadTextContent('../queries/heartbeat.kql')
    severity: 1
    window: 'PT30M'
    ofSilence: true
  }
  {
    key: 'settings'
    title: 'The app runs and cannot work'
    query: loadTextContent('../queries/settings.kql')
    severity: 1
    window: 'PT30M'
    ofSilence: false
  }
  {
    key: 'no-cycle'
    title: 'No successful cycle in 2 hours'
    query: replace(loadTextContent('../queries/no-cycle.kql'), '120m', '${silentMinutes}m')
    severity: 1
    window: 'P2D'
    ofSilence: false
  }
  {
    key: 'held-plan'
    title: 'A plan is held'
    query: loadTextContent('../queries/held-plan.kql')
    severity: 2
    window: 'P1D'
    ofSilence: false
  }
  {
    key: 'reconnect'
    title: 'A store must be connected to Zoho One again'
    query: loadTextContent('../queries/reconnect.kql')
    severity: 1
    window: 'P2D'
    ofSilence: false
  }
  {
    key: 'interrupted'
    title: 'A cycle was interrupted and does not go on'
    query: loadTextContent('../queries/interrupted.kql')
    severity: 1
    window: 'PT1H'
    ofSilence: false
  }
  {
    key: 'poison'
    title: 'A message is in the poison queue'
    query: loadTextContent('../queries/poison.kql')
    severity: 1
    window: 'PT1H'
    ofSilence: false
  }
  {
    key: 'push-failures'
    title: 'Pushes fail'
    query: loadTextContent('../queries/push-failures.kql')
    severity: 2
    window: 'PT1H'
    ofSilence: false
  }
  {
    key: 'app-failures'
    title: 'A function of the app fails'
    query: loadTextContent('../queries/app-failures.kql')
    severity: 1
    window: 'PT1H'
    ofSilence: false
  }
]

module actionGroup 'br/public:avm/res/insights/action-group:0.8.0' = {
  params: {
    name: 'ag-${name}'
    groupShortName: 'zoho-bridge'
    tags: tags
    emailReceivers: [
      for (email, index) in emails: {
        name: 'mail-${index}'
        emailAddress: email
        useCommonAlertSchema: true
      }
    ]
    enableTelemetry: false
  }
}

resource alert 'Microsoft.Insights/scheduledQueryRules@2026-03-01' = [
  for rule in rules: {
    name: 'alert-${name}-${rule.key}'
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: 'Zoho One bridge: ${rule.title}'
      description: 'Runbook: docs/operations.md, "${rule.title}"'
      severity: rule.severity
      enabled: true
      scopes: [
        workspaceId
      ]
      evaluationFrequency: 'PT15M'
      windowSize: rule.window
      criteria: {
        allOf: [
          {
            query: rule.query
            timeAggregation: 'Count'
            dimensions: rule.ofSilence
              ? []
              : [
                  {
                    name: 'store'
                    operator: 'Include'
                    values: [
                      '*'
                    ]
                  }
                ]
            operator: rule.ofSilence ? 'LessThan' : 'GreaterThan'
            threshold: rule.ofSilence ? 1 : 0
            failingPeriods: {
              minFailingPeriodsToAlert: 1
              numberOfEvaluationPeriods: 1
            }
          }
        ]
      }
      autoMitigate: true
      skipQueryValidation: true // the tables are created with their first row
      actions: {
        actionGroups: [
          actionGroup.outputs.resourceId
        ]
      }
    }
  }
]
