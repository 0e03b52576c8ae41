/**
 * A contract as data: what `contract.json` holds, for programs that can't import the contract.
 *
 * @module
 */
export { contractFileHash, contractText, describe } from "./describe.ts";
export { asyncApi } from "./asyncapi.ts";
export type { AsyncApiOptions } from "./asyncapi.ts";
export { jsonSchemaBundle } from "./schema-bundle.ts";
export { contractFileVersion } from "./contract-file.ts";
export type {
  ContractFile,
  EventInFile,
  HistoryInFile,
  InboxInFile,
  Lost,
  PayloadInFile,
  RequestInFile,
  RoomInFile,
} from "./contract-file.ts";
export type { JsonSchema, LostPart } from "./json-schema.ts";
