import { describe, expect, it } from 'vitest'
import { decodeObservation, statisticOf } from '../../src/open-mhealth/decode.ts'
import { statisticText } from '../../src/results/statistic-text.ts'
import { componentFor, ieee, loinc, loincOf, omh, ucum, withBody, withText } from './observations.ts'

const at = { effective_time_frame: { date_time: '2026-09-24T00:52:45Z' } }
const night = {
  effective_time_frame: {
    time_interval: { start_date_time: '2026-11-19T22:19:00Z', end_date_time: '2026-11-20T04:12:52Z' },
  },
}

function decode(body: unknown, code: string, own = {}) {
  const result = decodeObservation(withBody(body, code, own))
  expect(result.note).toBeUndefined()
  expect(result.decoded).toBe(true)
  expect(result.observation.valueAttachment).toBeUndefined()
  return result.observation
}

describe('bodies recorded from an exchange', () => {
  it('gives a heart rate as a quantity, LOINC beside the original coding', () => {
    const recorded = withText(
      '{"body": {"heart_rate": {"unit": "beats/min", "value": 57.0}, "effective_time_frame": {"date_time": "2026-11-19T23:20:34Z"}}, "header": {"uuid": "1"}}',
      'omh:heart-rate:2.0',
      { effectiveDateTime: '2026-11-19T23:20:34Z' },
    )
    expect(decodeObservation(recorded)).toStrictEqual({
      decoded: true,
      observation: {
        resourceType: 'Observation',
        id: '61150',
        status: 'final',
        code: {
          coding: [
            { system: omh, code: 'omh:heart-rate:2.0', display: 'As sent' },
            { system: loinc, code: '8867-4', display: 'Heart rate' },
          ],
        },
        subject: { reference: 'Patient/40006' },
        effectiveDateTime: '2026-11-19T23:20:34Z',
        valueQuantity: { value: 57, unit: 'beats/min', system: ucum, code: '/min' },
      },
    })
  })

  it('gives a blood glucose with mass concentration in blood', () => {
    const observation = decode(
      { blood_glucose: { unit: 'mg/dL', value: 138 }, ...at },
      'omh:blood-glucose:4.0',
    )
    expect(observation.valueQuantity).toEqual({ value: 138, unit: 'mg/dL', system: ucum, code: 'mg/dL' })
    expect(observation.effectiveDateTime).toBe('2026-09-24T00:52:45Z')
    expect(loincOf(observation)).toEqual(['2339-0'])
    expect(observation.component).toBeUndefined()
  })

  it('keeps both numbers of a blood pressure, each in its component', () => {
    const body = {
      systolic_blood_pressure: { unit: 'mmHg', value: 126 },
      diastolic_blood_pressure: { unit: 'mmHg', value: 66 },
      ...at,
    }
    const observation = decode(body, 'omh:blood-pressure:4.0')
    expect(loincOf(observation)).toEqual(['85354-9'])
    expect(observation.valueQuantity).toBeUndefined()
    expect(observation.component).toEqual([
      {
        code: {
          coding: [
            { system: omh, code: 'systolic_blood_pressure' },
            { system: loinc, code: '8480-6', display: 'Systolic blood pressure' },
          ],
          text: 'systolic blood pressure',
        },
        valueQuantity: { value: 126, unit: 'mmHg', system: ucum, code: 'mm[Hg]' },
      },
      {
        code: {
          coding: [
            { system: omh, code: 'diastolic_blood_pressure' },
            { system: loinc, code: '8462-4', display: 'Diastolic blood pressure' },
          ],
          text: 'diastolic blood pressure',
        },
        valueQuantity: { value: 66, unit: 'mmHg', system: ucum, code: 'mm[Hg]' },
      },
    ])
  })

  it('gives a step count to the last second of a day as steps in an unspecified time, marked as a sum', () => {
    const body = {
      step_count: { unit: 'steps', value: 1452 },
      effective_time_frame: {
        time_interval: { end_date_time: '2026-09-21T23:59:59Z', start_date_time: '2026-09-21T00:00:00Z' },
      },
      descriptive_statistic: 'sum',
      descriptive_statistic_denominator: 'd',
    }
    const period = { start: '2026-09-21T00:00:00Z', end: '2026-09-21T23:59:59Z' }
    const observation = decode(body, 'omh:step-count:3.0', { effectivePeriod: period })
    expect(observation.valueQuantity).toEqual({ value: 1452, unit: 'steps', system: ucum, code: '{steps}' })
    expect(loincOf(observation)).toEqual(['55423-8'])
    expect(observation.effectivePeriod).toEqual(period)
    expect(observation.interpretation).toEqual([{ coding: [{ system: omh, code: 'sum' }], text: 'sum' }])
    expect(statisticOf(observation)).toBe('sum')
    expect(observation.component).toEqual([
      {
        code: {
          coding: [{ system: omh, code: 'descriptive_statistic_denominator' }],
          text: 'descriptive statistic denominator',
        },
        valueString: 'd',
      },
    ])
  })

  it('gives a sleep duration in seconds over its period', () => {
    const observation = decode(
      { sleep_duration: { unit: 'sec', value: 21232 }, ...night },
      'omh:sleep-duration:2.0',
    )
    expect(observation.valueQuantity).toEqual({ value: 21232, unit: 'sec', system: ucum, code: 's' })
    expect(observation.effectivePeriod).toEqual({
      start: '2026-11-19T22:19:00Z',
      end: '2026-11-20T04:12:52Z',
    })
    expect(loincOf(observation)).toEqual(['93832-4'])
  })
})

describe.each(['omh', 'ieee'])('a type with one number in the namespace %s', (namespace) => {
  it.each([
    ['blood-glucose', 'blood_glucose', 'mg/dL', 'mg/dL', ['2339-0']],
    ['blood-glucose', 'blood_glucose', 'mmol/L', 'mmol/L', ['15074-8']],
    ['body-temperature', 'body_temperature', 'C', 'Cel', ['8310-5']],
    ['body-temperature', 'body_temperature', 'F', '[degF]', ['8310-5']],
    ['body-temperature', 'body_temperature', 'K', 'K', ['8310-5']],
    ['body-weight', 'body_weight', 'kg', 'kg', ['29463-7']],
    ['body-weight', 'body_weight', 'g', 'g', ['29463-7']],
    ['body-weight', 'body_weight', 'lb', '[lb_av]', ['29463-7']],
    ['body-weight', 'body_weight', 'oz', '[oz_av]', ['29463-7']],
    ['heart-rate', 'heart_rate', 'beats/min', '/min', ['8867-4']],
    ['heart-rate-variability', 'heart_rate_variability', 'ms', 'ms', []],
    ['oxygen-saturation', 'oxygen_saturation', '%', '%', ['2708-6']],
    ['respiratory-rate', 'respiratory_rate', 'breaths/min', '/min', ['9279-1']],
    ['rr-interval', 'rr_interval', 'ms', 'ms', []],
    ['sleep-duration', 'sleep_duration', 'min', 'min', ['93832-4']],
    ['sleep-duration', 'sleep_duration', 'h', 'h', ['93832-4']],
    ['total-sleep-time', 'total_sleep_time', 'sec', 's', ['93832-4']],
    ['time-in-bed', 'time_in_bed', 'h', 'h', []],
    ['step-count', 'step_count', 'steps', '{steps}', ['55423-8']],
  ])('%s in %s %s has UCUM %s and LOINC %j', (type, member, unit, code, codes) => {
    for (const version of ['1', '1.0', '2.0.1', '1.x', 'x']) {
      const observation = decode(
        { [member]: { value: 36.25, unit }, ...at },
        `${namespace}:${type}:${version}`,
      )
      expect(observation.valueQuantity).toEqual({ value: 36.25, unit, system: ucum, code })
      expect(observation.effectiveDateTime).toBe('2026-09-24T00:52:45Z')
      expect(observation.code.coding?.[0]?.code).toBe(`${namespace}:${type}:${version}`)
      expect(loincOf(observation)).toEqual(codes)
    }
  })
})

describe('LOINC', () => {
  it.each([
    [undefined, 'mg/dL', ['2339-0']],
    ['whole blood', 'mmol/L', ['15074-8']],
    ['capillary blood', 'mg/dL', ['2339-0']],
    ['plasma', 'mg/dL', ['2345-7']],
    ['serum', 'mmol/L', ['14749-6']],
    ['interstitial fluid', 'mg/dL', ['99504-3']],
    ['interstitial fluid', 'mmol/L', ['105272-9']],
    ['tears', 'mg/dL', []],
    ['saliva', 'mmol/L', []],
    ['blood', 'mg/l', []],
  ])('of glucose in %s by %s is %j', (specimen_source, unit, codes) => {
    const body = { blood_glucose: { value: 5.5, unit }, specimen_source, ...at }
    const observation = decode(body, 'omh:blood-glucose:4.0')
    expect(loincOf(observation)).toEqual(codes)
    expect(componentFor(observation, 'specimen_source')?.valueString).toBe(specimen_source)
  })

  it('reads the specimen of the first version as well, and gives none where two specimens disagree', () => {
    const glucose = { blood_glucose: { value: 99, unit: 'mg/dL' }, ...at }
    const code = 'omh:blood-glucose:1.0'
    expect(loincOf(decode({ ...glucose, blood_specimen_type: 'plasma' }, code))).toEqual(['2345-7'])
    const both = { blood_specimen_type: 'plasma', specimen_source: 'tears' }
    expect(loincOf(decode({ ...glucose, ...both }, code))).toEqual([])
  })

  it('of an average of a continuous monitor is none, since LOINC has another code for it', () => {
    const body = {
      blood_glucose: { value: 120, unit: 'mg/dL' },
      specimen_source: 'interstitial fluid',
      ...at,
    }
    const observation = decode({ ...body, descriptive_statistic: 'average' }, 'omh:blood-glucose:4.0')
    expect(loincOf(observation)).toEqual([])
  })

  it('of a resting heart rate stands beside that of the heart rate', () => {
    const rest = { temporal_relationship_to_physical_activity: 'at rest' }
    const body = { heart_rate: { value: 51, unit: 'beats/min' }, ...at }
    expect(loincOf(decode({ ...body, ...rest }, 'omh:heart-rate:2.0'))).toEqual(['8867-4', '40443-4'])
    const active = { temporal_relationship_to_physical_activity: 'active' }
    const observation = decode({ ...body, ...active }, 'omh:heart-rate:2.0')
    expect(loincOf(observation)).toEqual(['8867-4'])
    expect(componentFor(observation, 'temporal_relationship_to_physical_activity')?.valueString).toBe(
      'active',
    )
  })

  it.each([
    ['SDNN', ['80404-7']],
    ['RMSSD', []],
    ['HF', []],
  ])('of a heart rate variability by %s is %j', (algorithm, codes) => {
    const body = { heart_rate_variability: { value: 42.5, unit: 'ms' }, algorithm, ...at }
    const observation = decode(body, 'omh:heart-rate-variability:1.0')
    expect(loincOf(observation)).toEqual(codes)
    expect(componentFor(observation, 'algorithm')?.valueString).toBe(algorithm)
  })

  it('of oxygen saturation names pulse oximetry only where that was the method', () => {
    const body = {
      oxygen_saturation: { value: 97.2, unit: '%' },
      measurement_method: 'pulse oximetry',
      ...at,
    }
    const observation = decode({ ...body, system: 'peripheral capillary' }, 'omh:oxygen-saturation:2.0')
    expect(loincOf(observation)).toEqual(['2708-6', '59408-5'])
    expect(observation.method?.coding?.[0]?.code).toBe('pulse oximetry')
    expect(componentFor(observation, 'system')?.valueString).toBe('peripheral capillary')
    const other = decode({ ...body, measurement_method: 'co-oximetry' }, 'omh:oxygen-saturation:2.0')
    expect(loincOf(other)).toEqual(['2708-6'])
  })

  it('is left out where the unit is not one of the property, and the unit keeps its text without a system', () => {
    const observation = decode({ body_weight: { value: 11.5, unit: 'stone' }, ...at }, 'omh:body-weight:3.0')
    expect(observation.valueQuantity).toEqual({ value: 11.5, unit: 'stone' })
    expect(loincOf(observation)).toEqual([])
  })

  it('is left out of a spread, which is no value of the property', () => {
    const body = {
      systolic_blood_pressure: { unit: 'mmHg', value: 12 },
      diastolic_blood_pressure: { unit: 'mmHg', value: 6 },
      ...night,
    }
    const spread = decode({ ...body, descriptive_statistic: 'standard deviation' }, 'omh:blood-pressure:4.0')
    expect(loincOf(spread)).toEqual([])
    expect(spread.component?.map(loincOf)).toEqual([[], []])
    const mean = decode({ ...body, descriptive_statistic: 'average' }, 'omh:blood-pressure:4.0')
    expect(loincOf(mean)).toEqual(['85354-9'])
    expect(mean.component?.map(loincOf)).toEqual([['8480-6'], ['8462-4']])
  })

  it('that the exchange sent already is not repeated', () => {
    const sent = withBody({ heart_rate: { value: 60, unit: 'beats/min' }, ...at }, 'omh:heart-rate:2.0')
    sent.code.coding?.unshift({ system: loinc, code: '8867-4' })
    expect(decodeObservation(sent).observation.code).toEqual(sent.code)
  })
})

describe('a step count', () => {
  function steps(interval: object, more: object = {}) {
    const frame = { effective_time_frame: { time_interval: interval } }
    return decode({ step_count: { value: 8211, unit: 'steps' }, ...frame, ...more }, 'omh:step-count:3.0')
  }
  const wholeDay = {
    start_date_time: '2026-09-21T00:00:00-07:00',
    end_date_time: '2026-09-22T00:00:00-07:00',
  }

  it.each([
    ['start and end', wholeDay],
    ['start and duration', { start_date_time: '2026-09-21T00:00:00Z', duration: { value: 1, unit: 'd' } }],
    ['end and duration', { end_date_time: '2026-09-22T00:00:00Z', duration: { value: 24, unit: 'h' } }],
  ])('over exactly 24 h by %s is a count per day', (_, interval) => {
    const observation = steps(interval)
    expect(loincOf(observation)).toEqual(['41950-7'])
    expect(observation.valueQuantity).toEqual({
      value: 8211,
      unit: 'steps/24 h',
      system: ucum,
      code: '{steps}/(24.h)',
    })
  })

  it.each([
    ['an hour longer', { ...wholeDay, end_date_time: '2026-09-22T01:00:00-07:00' }, {}],
    [
      'of the mean session',
      wholeDay,
      { descriptive_statistic: 'average', descriptive_statistic_denominator: 'session' },
    ],
    ['of the largest hour', wholeDay, { descriptive_statistic: 'maximum' }],
    ['of a week', wholeDay, { descriptive_statistic: 'sum', descriptive_statistic_denominator: 'wk' }],
    ['of a part of the day', { date: '2026-09-21', part_of_day: 'morning' }, {}],
  ])('%s is not a count per day', (_, interval, more) => {
    const observation = steps(interval, more)
    expect(loincOf(observation)).toEqual(['55423-8'])
    expect(observation.valueQuantity?.code).toBe('{steps}')
  })

  it('of the first version, a number without a unit, is in steps', () => {
    const observation = decode({ step_count: 6000, ...night }, 'omh:step-count:1.0')
    expect(observation.valueQuantity).toEqual({ value: 6000, unit: 'steps', system: ucum, code: '{steps}' })
  })

  it('in a unit that is not steps keeps it and is no LOINC count', () => {
    const body = {
      step_count: { value: 10, unit: 'strides' },
      effective_time_frame: { time_interval: wholeDay },
    }
    const observation = decode(body, 'omh:step-count:3.0')
    expect(observation.valueQuantity).toEqual({ value: 10, unit: 'strides' })
    expect(loincOf(observation)).toEqual([])
  })
})

describe('a type with several numbers', () => {
  it('physical activity of Open mHealth has components, and MET without a unit of its own', () => {
    const body = {
      activity_name: 'walking',
      distance: { value: 1.5, unit: 'mi' },
      kcal_burned: { value: 160, unit: 'kcal' },
      reported_activity_intensity: 'moderate',
      met_value: 3.5,
      effective_duration: { value: 31, unit: 'min' },
      ...night,
    }
    const observation = decode(body, 'omh:physical-activity:1.2')
    expect(loincOf(observation)).toEqual(['73985-4'])
    expect(observation.effectivePeriod).toEqual({
      start: '2026-11-19T22:19:00Z',
      end: '2026-11-20T04:12:52Z',
    })
    expect(
      observation.component?.map((one) => [
        one.code.coding?.[0]?.code,
        one.valueQuantity?.value ?? one.valueString,
        one.valueQuantity?.code,
        loincOf(one),
      ]),
    ).toEqual([
      ['effective_duration', 31, 'min', ['55411-3']],
      ['kcal_burned', 160, 'kcal', ['41981-2']],
      ['reported_activity_intensity', 'moderate', undefined, ['74008-4']],
      ['distance', 1.5, '[mi_i]', []],
      ['met_value', 3.5, '{MET}', []],
      ['activity_name', 'walking', undefined, []],
    ])
  })

  it('physical activity of IEEE 1752.1 keeps cadence, speed and base movement', () => {
    const body = {
      activity_name: 'daily activity summary',
      base_movement_quantity: { value: 9304, unit: 'steps' },
      average_cadence: { value: 101, unit: 'steps/min' },
      average_speed: { value: 1.3, unit: 'm/s' },
      duration: { value: 5400, unit: 'sec' },
      duration_light_activity: { value: 3600, unit: 'sec' },
      cumulative_elevation_gain: { value: 120, unit: 'ft' },
      ...night,
    }
    const observation = decode(body, 'ieee:physical-activity:1.0')
    expect(
      observation.component?.map((one) => [
        one.code.coding?.[0],
        one.valueQuantity?.value,
        one.valueQuantity?.code,
        loincOf(one),
      ]),
    ).toEqual([
      [{ system: ieee, code: 'duration' }, 5400, 's', ['55411-3']],
      [{ system: ieee, code: 'duration_light_activity' }, 3600, 's', []],
      [{ system: ieee, code: 'cumulative_elevation_gain' }, 120, '[ft_i]', []],
      [{ system: ieee, code: 'average_cadence' }, 101, '{steps}/min', []],
      [{ system: ieee, code: 'average_speed' }, 1.3, 'm/s', []],
      [{ system: ieee, code: 'base_movement_quantity' }, 9304, '{steps}', []],
      [{ system: ieee, code: 'activity_name' }, undefined, undefined, []],
    ])
  })

  it.each(['omh:sleep-episode:1.1', 'ieee:sleep-episode:1.0'])('%s has LOINC for its stages only', (code) => {
    const body = {
      total_sleep_time: { value: 24000, unit: 'sec' },
      light_sleep_duration: { value: 200, unit: 'min' },
      deep_sleep_duration: { value: 1.25, unit: 'h' },
      rem_sleep_duration: { value: 80, unit: 'min' },
      latency_to_sleep_onset: { value: 12, unit: 'min' },
      latency_to_arising: { value: 4, unit: 'min' },
      wake_after_sleep_onset: { value: 25, unit: 'min' },
      number_of_awakenings: 3,
      sleep_maintenance_efficiency_percentage: { value: 94.4, unit: '%' },
      sleep_efficiency_percentage: { value: 91.2, unit: '%' },
      is_main_sleep: true,
      ...night,
    }
    const observation = decode(body, code)
    expect(loincOf(observation)).toEqual([])
    expect(
      observation.component?.map((one) => [
        one.code.coding?.[0]?.code,
        one.valueQuantity?.value ?? one.valueBoolean,
        one.valueQuantity?.code,
        loincOf(one)[0],
      ]),
    ).toEqual([
      ['total_sleep_time', 24000, 's', '93832-4'],
      ['light_sleep_duration', 200, 'min', '93830-8'],
      ['deep_sleep_duration', 1.25, 'h', '93831-6'],
      ['rem_sleep_duration', 80, 'min', '93829-0'],
      ['latency_to_sleep_onset', 12, 'min', undefined],
      ['latency_to_arising', 4, 'min', undefined],
      ['wake_after_sleep_onset', 25, 'min', undefined],
      ['number_of_awakenings', 3, '1', undefined],
      ['sleep_maintenance_efficiency_percentage', 94.4, '%', undefined],
      ['sleep_efficiency_percentage', 91.2, '%', undefined],
      ['is_main_sleep', true, undefined, undefined],
    ])
  })

  it('an episode of sleep of which only the time is known has its period and nothing else', () => {
    const observation = decode(night, 'omh:sleep-episode:1.0')
    expect(observation.effectivePeriod).toEqual({
      start: '2026-11-19T22:19:00Z',
      end: '2026-11-20T04:12:52Z',
    })
    expect(observation.component).toBeUndefined()
  })

  it.each(['omh', 'ieee'])(
    'a sleep stage summary in the namespace %s has the stages without LOINC',
    (namespace) => {
      const stages = {
        total_sleep_time: { value: 24000, unit: 'sec' },
        light_sleep_duration: { value: 12000, unit: 'sec' },
        sleep_efficiency_percentage: { value: 88.9, unit: '%' },
      }
      const body = { sleep_stage_summary: stages, is_main_sleep: false, ...night }
      const observation = decode(body, `${namespace}:sleep-stage-summary:1.0`)
      expect(loincOf(observation)).toEqual([])
      expect(
        observation.component?.map((one) => [
          one.code.text,
          one.valueQuantity?.value ?? one.valueBoolean,
          loincOf(one),
        ]),
      ).toEqual([
        ['sleep stage summary total sleep time', 24000, []],
        ['sleep stage summary light sleep duration', 12000, []],
        ['sleep stage summary sleep efficiency percentage', 88.9, []],
        ['is main sleep', false, []],
      ])
      expect(componentFor(observation, 'sleep_stage_summary.total_sleep_time')?.valueQuantity?.code).toBe('s')
    },
  )

  it('a sleep stage summary that is an average says so, though its schema says it further down', () => {
    const stages = {
      total_sleep_time: { value: 400, unit: 'min' },
      descriptive_statistic: 'average',
      descriptive_statistic_denominator: 'd',
    }
    const observation = decode({ sleep_stage_summary: stages, ...night }, 'ieee:sleep-stage-summary:1.0')
    expect(statisticText(observation)).toBe('average per d')
  })

  it('a blood pressure keeps site, posture and the exchange’s own components', () => {
    const body = {
      systolic_blood_pressure: { unit: 'mmHg', value: 126.5 },
      diastolic_blood_pressure: { unit: 'mmHg', value: 66 },
      measurement_location: 'left wrist',
      body_posture: 'lying down',
      ...at,
    }
    const own = [{ code: { text: 'of the exchange' }, valueString: 'kept' }]
    const observation = decode(body, 'ieee:blood-pressure:1.0', { component: own })
    expect(observation.bodySite).toEqual({
      coding: [{ system: ieee, code: 'left wrist' }],
      text: 'left wrist',
    })
    expect(observation.component?.[0]).toEqual(own[0])
    expect(componentFor(observation, 'body_posture')?.valueString).toBe('lying down')
    expect(observation.component).toHaveLength(4)
  })
})

describe('members without a home in FHIR', () => {
  const heart = { heart_rate: { value: 60, unit: 'beats/min' }, ...at }

  it('keep their kind: number, text, truth, time, quantity, nesting and lists', () => {
    const body = {
      ...heart,
      confidence: 0.125,
      user_notes: 'after coffee\n',
      valid: false,
      synced: '2026-09-24T02:00:00.5+02:00',
      local: '2026-09-24T02:00:00',
      oxygen: { value: 2, unit: 'L/min', via: 'nasal cannula' },
      samples: [61, { value: 62, unit: 'beats/min' }, [63]],
    }
    const observation = decode(body, 'omh:heart-rate:2.0')
    expect(observation.component?.map(({ code, ...value }) => [code.coding?.[0]?.code, value])).toEqual([
      ['confidence', { valueQuantity: { value: 0.125 } }],
      ['user_notes', { valueString: 'after coffee\n' }],
      ['valid', { valueBoolean: false }],
      ['synced', { valueDateTime: '2026-09-24T02:00:00.5+02:00' }],
      ['local', { valueString: '2026-09-24T02:00:00' }],
      ['oxygen', { valueQuantity: { value: 2, unit: 'L/min', system: ucum, code: 'L/min' } }],
      ['oxygen.via', { valueString: 'nasal cannula' }],
      ['samples.0', { valueQuantity: { value: 61 } }],
      ['samples.1', { valueQuantity: { value: 62, unit: 'beats/min', system: ucum, code: '/min' } }],
      ['samples.2.0', { valueQuantity: { value: 63 } }],
    ])
  })

  it('say that they are unknown where they are empty', () => {
    const body = { ...heart, a: null, b: '', c: {}, d: [], e: { value: 4, unit: ' ' } }
    const observation = decode(body, 'omh:heart-rate:2.0')
    for (const path of ['a', 'b', 'c', 'd']) {
      expect(componentFor(observation, path)?.dataAbsentReason?.coding?.[0]?.code).toBe('unknown')
    }
    expect(componentFor(observation, 'e')?.valueQuantity).toEqual({ value: 4 })
  })

  it('have a text where their name cannot be a code', () => {
    const observation = decode({ ...heart, ' odd  name': 1, '': 2 }, 'omh:heart-rate:2.0')
    expect(observation.component).toEqual([
      { code: { text: 'odd  name' }, valueQuantity: { value: 1 } },
      { code: { text: 'unnamed' }, valueQuantity: { value: 2 } },
    ])
  })

  it('stay beside a site, method and interpretation that the exchange states itself', () => {
    const own = {
      bodySite: { text: 'finger' },
      method: { text: 'palpation' },
      interpretation: [{ text: 'High' }],
    }
    const body = {
      ...heart,
      measurement_location: 'wrist',
      measurement_method: 'optical',
      descriptive_statistic: 'odd  word',
    }
    const observation = decode(body, 'omh:heart-rate:2.0', own)
    expect(observation.bodySite).toEqual(own.bodySite)
    expect(observation.method?.text).toBe('palpation, sensed')
    expect(observation.interpretation).toEqual([
      { text: 'High' },
      { coding: [{ system: omh, display: 'odd  word' }], text: 'odd  word' },
    ])
    expect(statisticOf(observation)).toBe('odd  word')
    expect(componentFor(observation, 'measurement_location')?.valueString).toBe('wrist')
    expect(componentFor(observation, 'measurement_method')?.valueString).toBe('optical')
  })

  it('do not make a single reading an aggregate', () => {
    expect(statisticOf(decode(heart, 'omh:heart-rate:2.0'))).toBeUndefined()
    expect(
      statisticOf(decode(heart, 'omh:heart-rate:2.0', { interpretation: [{ text: 'H' }] })),
    ).toBeUndefined()
  })

  it('that are no text where a text decides on LOINC give none, and are kept', () => {
    const glucose = { blood_glucose: { value: 99, unit: 'mg/dL' }, specimen_source: { name: 'blood' }, ...at }
    const observation = decode(glucose, 'omh:blood-glucose:4.0')
    expect(componentFor(observation, 'specimen_source.name')?.valueString).toBe('blood')
    const number = decode(
      { ...glucose, specimen_source: 1, measurement_location: 2 },
      'omh:blood-glucose:4.0',
    )
    expect(loincOf(number)).toEqual([])
    expect(number.bodySite).toBeUndefined()
    expect(componentFor(number, 'measurement_location')?.valueQuantity).toEqual({ value: 2 })
  })
})
