import * as z from 'zod';
import type { Operation } from '../operation.ts';
import { page, pageQuery } from '../page.ts';
import { ledgerQuery, ledgerReply, ledgerSumsReply, rejectionReply, runReply } from '../series-shapes.ts';

const organisation = '/organisations/:organisation';
const device = `${organisation}/devices/:device` as const;

/** What has become of everything that was delivered. */
export const ledgerOperations = {
  getLedger: {
    method: 'GET',
    path: `${device}/ledger`,
    opens: 'ledger.get',
    summary: "Read a device's account: received = stored + duplicate + rejected",
    query: ledgerQuery,
    status: 200,
    reply: ledgerReply,
  },
  getRun: {
    method: 'GET',
    path: `${device}/runs/:epoch`,
    opens: 'ledger.get',
    summary: 'Read what one run of a gateway (an epoch) brought, counted from what is stored',
    status: 200,
    reply: runReply,
  },
  getOrganisationLedger: {
    method: 'GET',
    path: `${organisation}/ledger`,
    opens: 'ledger.get',
    summary: 'Read the accounts of all devices that the caller reaches, added up',
    status: 200,
    reply: ledgerSumsReply,
  },
  listRejections: {
    method: 'GET',
    path: `${device}/rejections`,
    opens: 'rejections.get',
    summary: 'List the deliveries of a device that were refused for good, the newest first, with the reasons',
    query: pageQuery,
    status: 200,
    reply: page(rejectionReply),
  },
  getRejection: {
    method: 'GET',
    path: `${device}/rejections/:rejection`,
    opens: 'rejection.get',
    summary: 'Read a delivery that was refused for good, as it came',
    status: 200,
    reply: rejectionReply.extend({ payload: z.string().describe('base64') }),
  },
} as const satisfies Record<string, Operation>;
