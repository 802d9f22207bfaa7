// Private endpoints of one resource, each with its name in the private DNS zone.

import { Tags } from '../types.bicep'

@description('What the resources are named after.')
@minLength(3)
@maxLength(40)
param name string

@description('Region.')
param location string

@description('Tags.')
param tags Tags

@description('The resource.')
param targetId string

@description('Its parts that get an endpoint, such as blob or vault.')
@minLength(1)
@maxLength(4)
param parts string[]

@description('Subnet of the endpoints.')
param subnetId string

// Created by modules/network.bicep.
var zones = {
  blob: 'privatelink.blob.${environment().suffixes.storage}'
  queue: 'privatelink.queue.${environment().suffixes.storage}'
  table: 'privatelink.table.${environment().suffixes.storage}'
  vault: 'privatelink.vaultcore.azure.net'
}

module endpoints 'br/public:avm/res/network/private-endpoint:0.12.1' = [
  for part in parts: {
    params: {
      name: 'pep-${name}-${part}'
      location: location
      tags: tags
      subnetResourceId: subnetId
      privateLinkServiceConnections: [
        {
          name: part
          properties: {
            privateLinkServiceId: targetId
            groupIds: [
              part
            ]
          }
        }
      ]
      privateDnsZoneGroup: {
        privateDnsZoneGroupConfigs: [
          {
            privateDnsZoneResourceId: resourceId('Microsoft.Network/privateDnsZones', zones[part])
          }
        ]
      }
      enableTelemetry: false
    }
  }
]
