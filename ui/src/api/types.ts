/** The nouns of the API by their names in the console; the shapes are generated in schema.d.ts. */
import type { components } from "./schema";

type Schemas = components["schemas"];

export type Infrastructure = Schemas["Infrastructure"];
export type InfrastructureState = Schemas["State"];
export type InfrastructureStatus = Schemas["StatusView"];
export type EnvironmentClass = Schemas["EnvironmentClass"];
export type Inventory = Schemas["Inventory"];
export type MissingRight = Schemas["MissingRight"];
export type Source = Schemas["Source"];
export type CredentialFace = Schemas["CredentialFace"];
export type Stage = Schemas["Stage"];
export type StageName = Schemas["StageName"];
export type TestReport = Schemas["TestReport"];
export type ParsedContext = Schemas["ParsedContext"];
export type UsageRow = Schemas["UsageRow"];
export type Unanswered = Schemas["Unanswered"];
export type ProblemRow = Schemas["ProblemRow"];
export type StatusChange = Schemas["StatusChange"];
export type AuditEntry = Schemas["AuditEntry"];
export type Session = Schemas["Session"];
export type Permission = Schemas["Permission"];
export type ProblemBody = Schemas["Problem"];
export type InfrastructureCreate = Schemas["InfrastructureCreate"];
export type InfrastructureUpdate = Schemas["InfrastructureUpdate"];
