import { z } from 'zod'
import type { ParametersParameter } from '../fhir/types.ts'
import { type DataType, dataTypes, searchCodesOf } from '../open-mhealth/data-types.ts'
import type { Answer } from '../results/answer.ts'
import { barred } from '../results/line.ts'
import { codeParameter, parametersOf } from '../results/parameters.ts'
import { singleAnswer } from '../results/single.ts'
import { askedTypeOf, codeText, dataType, unknownType } from './arguments/data-type.ts'
import { defineLocalTool, type ToolContext } from './tool.ts'

const input = z.strictObject({ data_type: dataType.describe('Leave it out for the list') })

/** Says what a type of data means. */
export const getDataType = defineLocalTool({
  name: 'get_data_type',
  title: 'What a data type means',
  description: 'Codes, units and shape of a type of data; without data_type all types. No request.',
  input,
  output: 'fhir',
  local: true,
  async run({ data_type: word }, context) {
    if (word === undefined) return listAnswer(context)
    const { type } = askedTypeOf(word)
    if (type === undefined) throw unknownType()
    return typeAnswer(type, context)
  },
})

function listAnswer({ byteBudget, now }: ToolContext): Answer {
  const types = dataTypes()
  return singleAnswer({
    asked: `The ${types.length} types of data that are understood`,
    resource: parametersOf(types.map((type) => ({ name: 'dataType', part: headOf(type) }))),
    lines: types.map((type) => barred([type.name, type.meaning, `units ${unitsOf(type)}`])),
    notes: ['Observations of other codes are answered as well: name them as system|code.'],
    byteBudget,
    asOf: new Date(now()).toISOString(),
  })
}

function typeAnswer(type: DataType, { byteBudget, now }: ToolContext): Answer {
  const codes = searchCodesOf(type)
  const members = type.shape === 'components' ? type.members : []
  return singleAnswer({
    asked: `Data type ${type.name}`,
    resource: parametersOf([
      ...headOf(type),
      ...codes.map((code) => codeParameter('code', code)),
      ...members.map(memberParameter),
    ]),
    lines: [
      `${type.title}: ${type.meaning}`,
      `shape: ${shapeText(type)}`,
      `units: ${unitsOf(type)}`,
      `codes: ${codes.map(codeText).join(', ')}`,
      ...members.map(({ path, units, loinc }) =>
        barred([path, units.join(', '), loinc === undefined ? undefined : `LOINC ${loinc}`]),
      ),
    ],
    notes: [],
    byteBudget,
    asOf: new Date(now()).toISOString(),
  })
}

function headOf(type: DataType): ParametersParameter[] {
  return [
    { name: 'name', valueString: type.name },
    { name: 'title', valueString: type.title },
    { name: 'meaning', valueString: type.meaning },
    { name: 'shape', valueString: shapeText(type) },
    ...type.units.map((unit) => ({ name: 'unit', valueString: unit })),
  ]
}

function memberParameter({ path, units, loinc }: DataType['members'][number]): ParametersParameter {
  const part: ParametersParameter[] = [
    { name: 'name', valueString: path },
    ...units.map((unit) => ({ name: 'unit', valueString: unit })),
    ...(loinc === undefined ? [] : [codeParameter('code', { system: 'http://loinc.org', code: loinc })]),
  ]
  return { name: 'component', part }
}

function shapeText({ shape, aggregate }: DataType): string {
  const value = shape === 'quantity' ? 'one number, in valueQuantity' : 'several values, one component each'
  return aggregate ? `${value}; over a period, not at a point in time` : value
}

function unitsOf({ units }: DataType): string {
  return units.length > 0 ? units.join(', ') : 'none'
}
