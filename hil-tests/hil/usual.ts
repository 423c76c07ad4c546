/** Where what is left of scenarios that failed goes, where nobody says otherwise: below the folder one is in. */
export const usualArtefacts = 'hil-artefacts';
