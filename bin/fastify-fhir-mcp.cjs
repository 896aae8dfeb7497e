#!/usr/bin/env node
'use strict'
// In what Node.js 4 can read: this file tells an old one that it is too old.
const version = process.versions.node
const wanted = require('../package.json').engines.node.match(/\d+/g).map(Number)
const found = version.split('.').map(Number)

if (found[0] < wanted[0] || (found[0] === wanted[0] && found[1] < wanted[1])) {
  const needs = `needs Node.js ${wanted.join('.')} or newer, and this is ${version}`
  console.error(`fastify-fhir-mcp: ${needs}. Install a newer one, or have the client start it with one.`)
  process.exit(1)
}
require('./start.cjs')
