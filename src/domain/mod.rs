//! The vocabulary of Menagerie: ids, quantities with units, entities, enumerations and their transitions, commands,
//! events, reports and refusals.
//!
//! Everything here is a plain value: it validates itself, serialises, and does no I/O. No clock is read and no random
//! number is drawn; what needs a time or an id is given one. Every other room may import this one and this one
//! imports none.

pub mod activity;
pub mod agent;
pub mod agent_patch;
pub mod alert;
pub mod alert_rule;
pub mod alert_state;
pub mod alert_trial;
pub mod approval_rule;
pub mod artifact;
pub mod cage;
pub mod command;
pub mod confidence;
pub mod counts;
pub mod dashboard;
pub mod difference;
pub mod enumeration;
pub mod event;
pub mod execution;
pub mod filter;
pub mod fleet;
pub mod gpu;
pub mod id;
pub mod learning;
pub mod likeness;
pub mod link;
pub mod metric;
pub mod moment;
pub mod node;
pub mod pattern;
pub mod performance;
pub mod preview;
pub mod quantity;
pub mod refusal;
pub mod requirements;
pub mod resource;
pub mod search;
pub mod selection;
pub mod sensors;
pub mod silence;
pub mod snapshot;
pub mod spool;
pub mod system_event;
pub mod task;
pub mod threshold;
pub mod time;
pub mod trace;
pub mod user;
pub mod variable;
pub mod verify;
pub mod watch;
pub mod workspace;

pub use activity::Activity;
pub use agent::{Agent, AgentSpec, AgentStatus};
pub use agent_patch::AgentPatch;
pub use alert::{Alert, AlertMember, AlertStatus};
pub use alert_rule::{AlertRule, AlertRulePatch, Level, Scope, Subject};
pub use approval_rule::ApprovalRule;
pub use artifact::{Artifact, ArtifactType, Review, ReviewState};
pub use cage::{Cage, CageLimits, CageSpec, CageStatus, Enforcement, Enforcements, NetworkPolicy};
pub use command::{Command, Reply};
pub use event::{Actor, Event, Record};
pub use execution::{Execution, ExecutionStatus, Outcome, OutcomeKind, Usage};
pub use fleet::{Defaults, Fleet};
pub use id::{
    AgentId, AlertId, AllocationId, ArtifactId, CageId, ExecutionId, NodeId, ResourceId, ReviewId, SilenceId,
    SystemEventId, TaskId, UserId,
};
pub use moment::{Moment, Standpoint};
pub use node::{Node, NodeStatus};
pub use performance::{AgentPerformance, Day};
pub use preview::{Candidate, Figure, Preview, Unit, WhatIf};
pub use quantity::{Bytes, Cpu, Span, TokenLimit};
pub use refusal::{Refusal, RefusalKind};
pub use requirements::Requirements;
pub use resource::{Allocation, AllocationStatus, Resource, ResourceStatus, ResourceType};
pub use silence::{Matcher, Silence};
pub use system_event::{Severity, SystemEvent};
pub use task::{NewTask, Task, TaskStatus};
pub use threshold::{MetricUnit, Threshold};
pub use time::Timestamp;
pub use user::User;
pub use verify::{Verification, Verify};
pub use workspace::{Difference, Merge, Workspace};
