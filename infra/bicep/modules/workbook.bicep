// The workbook: cycles, changes, latency, failures, queue, guard holds.

import { Tags } from '../types.bicep'

@description('Name in the portal.')
@minLength(1)
@maxLength(100)
param displayName string

@description('Region.')
param location string

@description('Tags.')
param tags Tags

@description('Log Analytics workspace that it reads.')
param workspaceId string

@description('Storage account whose queue it shows.')
param storageId string

var template = loadTextContent('../workbook.json')

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(resourceGroup().id, displayName)
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: displayName
    category: 'workbook'
    sourceId: workspaceId
    serializedData: replace(replace(template, '<workspace>', workspaceId), '<storage>', storageId)
  }
}

@description('The workbook.')
output id string = workbook.id
