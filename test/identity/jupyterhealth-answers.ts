/** Answers of a JupyterHealth Exchange v0.0.13, as recorded. */
export const organizationsOfNorthlakeMember = {
  count: 11,
  next: null,
  previous: null,
  results: [
    {
      id: 20006,
      name: 'Cardiology Division',
      type: 'dept',
      partOf: 20005,
      currentUserRole: null,
      children: [],
    },
    {
      id: 20008,
      name: 'Cosmic Cardio Lab',
      type: 'laboratory',
      partOf: 20006,
      currentUserRole: null,
      children: [],
    },
    {
      id: 20005,
      name: 'Department of Medicine',
      type: 'dept',
      partOf: 20004,
      currentUserRole: null,
      children: [],
    },
    {
      id: 20010,
      name: 'Harbor Research Group',
      type: 'laboratory',
      partOf: 0,
      currentUserRole: null,
      children: [],
    },
    {
      id: 20003,
      name: 'Lifespan Lab',
      type: 'laboratory',
      partOf: 20002,
      currentUserRole: null,
      children: [],
    },
    {
      id: 20004,
      name: 'Neptune Health System',
      type: 'prov',
      partOf: 0,
      currentUserRole: null,
      children: [],
    },
    {
      id: 20007,
      name: 'Neptunian Pulse Lab',
      type: 'laboratory',
      partOf: 20006,
      currentUserRole: null,
      children: [],
    },
    {
      id: 20009,
      name: 'Northlake Clinic',
      type: 'prov',
      partOf: 0,
      currentUserRole: 'member',
      children: [],
    },
    {
      id: 20001,
      name: 'Planetary Research Institute',
      type: 'edu',
      partOf: 0,
      currentUserRole: null,
      children: [],
    },
    {
      id: 0,
      name: 'ROOT',
      type: 'root',
      partOf: null,
      currentUserRole: null,
      children: [],
    },
    {
      id: 20002,
      name: 'Saturn School of Data Science',
      type: 'team',
      partOf: 20001,
      currentUserRole: null,
      children: [],
    },
  ],
}

export const studiesOfNorthlakeMember = {
  count: 2,
  next: null,
  previous: null,
  results: [
    {
      id: 30006,
      name: 'Northlake Cardiometabolic Study',
      description: 'Heart rate, glucose, pressure, steps, sleep',
      organization: {
        id: 20009,
        name: 'Northlake Clinic',
        type: 'prov',
      },
      iconUrl: null,
    },
    {
      id: 30007,
      name: 'Northlake Sleep and Steps Study',
      description: 'Step count and sleep only',
      organization: {
        id: 20009,
        name: 'Northlake Clinic',
        type: 'prov',
      },
      iconUrl: null,
    },
  ],
}

export const studiesOfBothMember = {
  count: 3,
  next: null,
  previous: null,
  results: [
    {
      id: 30008,
      name: 'Harbor Glucose Study',
      description: 'Harbor cohort',
      organization: {
        id: 20010,
        name: 'Harbor Research Group',
        type: 'laboratory',
      },
      iconUrl: null,
    },
    {
      id: 30006,
      name: 'Northlake Cardiometabolic Study',
      description: 'Heart rate, glucose, pressure, steps, sleep',
      organization: {
        id: 20009,
        name: 'Northlake Clinic',
        type: 'prov',
      },
      iconUrl: null,
    },
    {
      id: 30007,
      name: 'Northlake Sleep and Steps Study',
      description: 'Step count and sleep only',
      organization: {
        id: 20009,
        name: 'Northlake Clinic',
        type: 'prov',
      },
      iconUrl: null,
    },
  ],
}

export const noStudies = {
  count: 0,
  next: null,
  previous: null,
  results: [],
}

export const profileOfNorthlakeMember = {
  id: 10013,
  email: 'northlake_member@example.com',
  firstName: 'NorthlakeMember',
  lastName: 'Practitioner',
  patient: null,
  userType: 'practitioner',
  isSuperuser: false,
  settings: {},
}

export const userinfoOfNorthlakeMember = {
  sub: '10013',
  email: 'northlake_member@example.com',
}

export const badToken = {
  detail: 'Authentication credentials were not provided.',
}
