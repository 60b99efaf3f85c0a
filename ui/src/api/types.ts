/** The nouns of the API by their names in the console; the shapes are generated in schema.d.ts. */
import type { components } from "./schema";

type Schemas = components["schemas"];

export type Infrastructure = Schemas["InfrastructureView"];
export type InfrastructureState = Schemas["State"];
export type InfrastructureStatus = Schemas["StatusView"];
export type EnvironmentClass = Schemas["EnvironmentClass"];
export type Inventory = Schemas["Inventory"];
export type MissingRight = Schemas["MissingRight"];
export type Source = Schemas["SourceBody"];
export type CredentialFace = Schemas["CredentialFace"];
export type Stage = Schemas["StageResult"];
export type StageName = Schemas["Stage"];
export type TestReport = Schemas["TestReport"];
export type ParsedContext = Schemas["ContextView"];
export type UsageRow = Schemas["UsageItemView"];
export type Unanswered = Schemas["UnansweredView"];
export type ProblemRow = Schemas["ProblemItemView"];
export type StatusChange = Schemas["StatusChangeView"];
export type AuditEntry = Schemas["AuditEntry"];
export type Session = Schemas["SessionView"];
export type Permission =
  | Schemas["Permission"]
  | "workshop_read"
  | "workshop_write"
  | "session_read"
  | "session_write"
  | "environment_read"
  | "environment_write"
  | "settings_read"
  | "settings_write";
export type ProblemBody = Schemas["Problem"];
export type Alert = Schemas["AlertView"];
export type AlertGroup = Schemas["AlertGroupView"];
export type RuleKind = Schemas["RuleKind"];
export type Severity = Schemas["Severity"];
export type AlertRule = Schemas["AlertRuleView"];
export type AlertRuleUpdate = Schemas["AlertRuleBody"];
export type MaintenanceWindow = Schemas["MaintenanceWindowView"];
export type MaintenanceWindowBody = Schemas["MaintenanceWindowBody"];
export type Weekday = Schemas["Weekday"];
export type AlertChannel = Schemas["AlertChannelView"];
export type AlertChannelCreate = Schemas["AlertChannelBody"];
export type AlertChannelUpdate = Schemas["AlertChannelUpdateBody"];
export type WebhookFormat = Schemas["WebhookFormat"];
export type InfrastructureCreate = Schemas["ConnectBody"];
export type InfrastructureUpdate = Schemas["UpdateBody"];
export type History = Schemas["HistoryView"];
export type HistoryLine = Schemas["HistoryLineView"];
export type HistoryMetric = Schemas["Chart"];
export type NodeRow = Schemas["NodeView"];
export type ClusterEvent = Schemas["ClusterEvent"];
export type UsageGroup = Schemas["UsageGroupView"];
export type TopNode = Schemas["TopNodeView"];
