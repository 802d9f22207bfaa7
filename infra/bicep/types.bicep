// Types that several files share. Nothing else may be in this file: the scanner's parser does not read types.

@export()
@description('Tags of a resource: name to value.')
type Tags = {
  *: string
}

@export()
@description('A setting of the function app: name to value.')
type Settings = {
  *: string
}
