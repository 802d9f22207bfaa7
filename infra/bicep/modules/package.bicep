// Installs a package in the app without a local machine, for the button of a release.
// https://learn.microsoft.com/azure/azure-functions/functions-infrastructure-as-code

@description('The app.')
param appName string

@description('Address of the package.')
@maxLength(2000)
param packageUrl string

resource app 'Microsoft.Web/sites@2025-03-01' existing = {
  name: appName
}

resource package 'Microsoft.Web/sites/extensions@2025-03-01' = {
  parent: app
  name: 'onedeploy'
  #disable-next-line BCP187 // the compiler's types lack it; the documentation above has it
  properties: {
    packageUri: packageUrl
    remoteBuild: false // the package holds its libraries
  }
}
