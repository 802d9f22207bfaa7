// Checks queries with Microsoft's own parser of KQL: names of tables, columns and functions too, not grammar alone.
//
//   node kql.js package tables.json < queries.json
//
// package: the folder of @kusto/language-service-next. tables.json: table to "column:type, …". queries.json: name to query.
// Prints a line for each mistake; the exit status is 1 where there is one.
'use strict';

const fs = require('fs');
const path = require('path');

const [folder, tables] = process.argv.slice(2);
globalThis.Bridge = require(path.join(folder, 'bridge.min.js'));
require(path.join(folder, 'Kusto.Language.Bridge.min.js'));
const { KustoCode, GlobalState, Symbols } = globalThis.Kusto.Language;

const symbols = Object.entries(JSON.parse(fs.readFileSync(tables))).map(
  ([name, columns]) => new Symbols.TableSymbol.$ctor7(name, `(${columns})`, null));
const database = new Symbols.DatabaseSymbol.ctor('workspace', symbols);
const globals = GlobalState.Default.WithDatabase(database);

let mistakes = 0;
for (const [name, query] of Object.entries(JSON.parse(fs.readFileSync(0)))) {
  const found = KustoCode.ParseAndAnalyze(query, globals).GetDiagnostics();
  for (let i = 0; i < found.Count; i++) {
    const diagnostic = found.getItem(i);
    if (diagnostic.Severity === 'Error') {
      mistakes++;
      console.log(`${name}: ${diagnostic.Message} (at ${JSON.stringify(query.slice(diagnostic.Start, diagnostic.Start + 40))})`);
    }
  }
}
process.exit(mistakes ? 1 : 0);
