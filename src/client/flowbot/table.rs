//! The Full REST Map of `FlowBot`'s document as one table, a row a line.
//!
//! A call is named by its path: the words after `/api/`, without what stands in braces. Braces at
//! the end become `by-` and the name in them: `/api/conversations/{id}/reply` is `conversations
//! reply`, `/api/conversations/{id}` is `conversations by-id`.

use super::column::Column;
use super::fields;
use crate::client::{Body, Endpoint, Parameter, unchecked};

/// A row of the map.
#[derive(Clone, Copy)]
pub(super) struct Row {
    pub(super) column: Column,
    pub(super) endpoint: Endpoint,
}

/// What the document says of a row beside the map.
#[derive(Clone, Copy)]
pub(super) struct Typed {
    pub(super) parameters: &'static [Parameter],
    pub(super) body: Body,
    pub(super) check: fields::Check,
    pub(super) section: &'static str,
}

macro_rules! rows {
    ($($call:literal $($method:ident)+ $path:literal $column:ident $summary:literal
        $(=> $typed:expr)?;)+) => {
        &[$(row($call, &[$(stringify!($method)),+], $path, Column::$column, $summary)
            $(.typed($typed))?),+]
    };
}

/// Where the rows stand of which the document says nothing more.
pub(super) const MAP: &str = "FlowBot AI, REST API: Full REST Map";

/// In the order of the document.
pub(super) const ROWS: &[Row] = rows! {
    // Auth & Identity (9)
    "auth login" POST "/api/auth/login" Public "Login and set session cookie." => fields::LOGIN;
    "auth register" POST "/api/auth/register" Public "Register account.";
    "auth logout" POST "/api/auth/logout" Cookie "Logout and clear cookie.";
    "auth me" GET "/api/auth/me" Cookie "Current user/session info.";
    "auth send-verification" POST "/api/auth/send-verification" Public "Send email/phone verification code.";
    "auth verify-code" POST "/api/auth/verify-code" Public "Verify received code.";
    "auth social" POST "/api/auth/social" Public "Social login callback/token verify.";
    "auth language" POST "/api/auth/language" Cookie "Save UI language.";
    "auth theme" POST "/api/auth/theme" Cookie "Save UI theme.";
    // Not in the map, but described below it.
    "auth api-token" POST "/api/auth/api-token" Public "Exchange Client Credentials to API JWT." => fields::TOKEN;
    // Flows & Conversations (14)
    "flows" GET POST "/api/flows" Cookie "List/create flows." => fields::FLOWS;
    "flows by-id" GET PUT DELETE "/api/flows/{id}" Cookie "Flow details/update/delete.";
    "flows versions" GET POST "/api/flows/{id}/versions" Cookie "Flow versioning.";
    "flows generate" POST "/api/flows/generate" Cookie "AI flow generation (text/PDF/image)." => fields::GENERATE;
    "flows fix-shay" POST "/api/flows/fix-shay" Admin "Preset migration/fix utility.";
    "conversations" GET "/api/conversations" Cookie "List conversations + stats." => fields::CONVERSATIONS;
    "conversations by-id" GET PUT "/api/conversations/{id}" Cookie "Conversation details/claim state.";
    "conversations reply" POST "/api/conversations/{id}/reply" Cookie "Send reply (text/media/template)." => fields::REPLY;
    "leads" GET POST "/api/leads" Cookie "Lead list/create/update status.";
    "leads by-phone" GET PUT "/api/leads/{phone}" Cookie "Lead by phone.";
    "leads import-json" POST "/api/leads/import-json" Cookie "Bulk import leads from JSON.";
    "leads targets" GET POST "/api/leads/targets" Cookie "Lead targets/goal management.";
    "contacts import" POST "/api/contacts/import" Cookie "Import contacts.";
    "contacts avatar" GET PUT DELETE "/api/contacts/avatar" Cookie "Contact avatar management.";
    // Templates & Messaging (8)
    "templates" GET POST "/api/templates" Cookie "List/create templates.";
    "templates by-id" GET PUT DELETE "/api/templates/{id}" Cookie "Template details/update/delete.";
    "templates groups" GET POST PUT DELETE "/api/templates/groups" Cookie "Template groups; optional preferredPhoneNumberId (default-scope WA line, same WABA).";
    "templates bulk-send" POST "/api/templates/bulk-send" Cookie "Bulk send; body.phoneNumberId overrides line; else group.preferredPhoneNumberId; else primary.";
    "templates check-sent" GET "/api/templates/check-sent" Cookie "Template delivery state checks.";
    "templates ai-variants" POST "/api/templates/ai-variants" Cookie "Generate AI variants from template.";
    "webhook outbound" POST "/api/webhook/outbound" Bearer "Primary outbound trigger for integrations." => fields::OUTBOUND;
    "webhook outbound-status" POST "/api/webhook/outbound-status" BearerCookie "Outbound delivery/status callback helper.";
    // Channel Integrations (WhatsApp/Facebook/TikTok/Telegram/Email) (16)
    "settings whatsapp" GET POST "/api/settings/whatsapp" Cookie "WhatsApp config per user/flow.";
    "whatsapp embedded-signup" POST "/api/whatsapp/embedded-signup" Cookie "Meta embedded signup connect flow.";
    "whatsapp reset-wa-before-reconnect" POST "/api/whatsapp/reset-wa-before-reconnect" Cookie "Delete all WA configs for user before Embedded Signup reconnect.";
    "whatsapp extra-wa-lines" GET POST "/api/whatsapp/extra-wa-lines" Cookie "List WABA phones not in FLOW; add secondary line (shared token); POST registerOnly registers PENDING phone with Meta Cloud API.";
    "settings facebook" GET POST "/api/settings/facebook" Cookie "Facebook/Instagram settings.";
    "settings facebook-subscribe" POST "/api/settings/facebook-subscribe" Cookie "Subscribe page/webhook fields.";
    "facebook connect" POST "/api/facebook/connect" Cookie "Connect FB page/account.";
    "facebook ads" GET POST "/api/facebook/ads" Cookie "Meta Ads read/create/actions.";
    "settings tiktok" GET POST "/api/settings/tiktok" Cookie "TikTok settings.";
    "tiktok connect" GET POST "/api/tiktok/connect" Cookie "TikTok OAuth connect/callback.";
    "tiktok ads" GET POST "/api/tiktok/ads" Cookie "TikTok Ads read/create/actions.";
    "settings telegram" GET POST "/api/settings/telegram" Cookie "Telegram bot config + webhook set/remove.";
    "settings email" GET POST "/api/settings/email" Cookie "Email channel settings.";
    "email connect" GET "/api/email/connect" Cookie "Google/Microsoft OAuth connect/callback.";
    "email send" POST "/api/email/send" Cookie "Send outbound email.";
    "push subscribe" POST "/api/push/subscribe" Cookie "Save web push/FCM subscription.";
    // AI, Knowledge Base & Ads Learning (7)
    "settings ai" GET POST DELETE "/api/settings/ai" Cookie "AI provider configs and defaults.";
    "knowledge-base" GET POST DELETE "/api/knowledge-base" Cookie "RAG documents and indexing.";
    "upload" POST "/api/upload" Cookie "Media/file upload (GCS/local fallback).";
    "ads generate" GET POST "/api/ads/generate" Cookie "Generate copy/image/full ad + learning hooks.";
    "ads archive" GET POST DELETE "/api/ads/archive" Admin "Ad archive with user access control.";
    "ads autopilot" GET POST "/api/ads/autopilot" Cookie "Recommendation feed and auto-actions.";
    "monitor status" GET "/api/monitor/status" Cookie "Ads monitor health (off/starting/healthy/stale).";
    // Calendar & Booking (9)
    "calendar appointments" GET POST PUT "/api/calendar/appointments" Cookie "Appointments CRUD.";
    "calendar book" POST "/api/calendar/book" Public "Public booking endpoint.";
    "calendar notify" POST "/api/calendar/notify" System "Calendar notifications.";
    "calendar reminders" GET POST "/api/calendar/reminders" System "Reminder queue/trigger.";
    "calendar settings" GET POST "/api/calendar/settings" Cookie "Calendar settings and rules.";
    "calendar template-flow" GET POST "/api/calendar/template-flow" Cookie "Calendar-trigger template flow mapping.";
    "calendar google connect" GET "/api/calendar/google/connect" Cookie "Google Calendar OAuth start.";
    "calendar google callback" GET "/api/calendar/google/callback" Cookie "Google OAuth callback.";
    "calendar google disconnect" POST "/api/calendar/google/disconnect" Cookie "Revoke Google Calendar connection.";
    // Users, Employees, Tasks, Usage, Admin (12)
    "users" GET POST "/api/users" Admin "User list/create.";
    "users by-id" GET PUT DELETE "/api/users/{id}" Admin "User details/update/delete.";
    "employees" GET POST "/api/employees" Cookie "Employees list/create.";
    "employees by-id" GET PUT DELETE "/api/employees/{id}" Cookie "Employee details/update/delete.";
    "tasks" GET POST "/api/tasks" Cookie "Tasks list/create.";
    "tasks by-id" GET PUT DELETE "/api/tasks/{id}" Cookie "Task details/update/delete.";
    "usage" GET "/api/usage" Cookie "Usage logs and summaries.";
    "usage balance" GET "/api/usage/balance" Cookie "Provider balance and alerts.";
    "admin analytics" GET POST "/api/admin/analytics" Admin "System analytics dashboards.";
    "admin database" GET POST "/api/admin/database" Admin "Database admin tools.";
    "asterisk call" POST "/api/asterisk/call" Cookie "Dialer outbound call trigger.";
    "asterisk operators" GET "/api/asterisk/operators" Cookie "Dialer operators list.";
    // Incoming Webhooks, Monitoring & Diagnostics (19)
    "webhook whatsapp" GET POST "/api/webhook/whatsapp" Meta "WhatsApp webhook verify + incoming events." => fields::META;
    "webhook facebook" GET POST "/api/webhook/facebook" Meta "Facebook webhook verify + incoming events." => fields::META;
    "webhook fb-leads" GET POST "/api/webhook/fb-leads" Meta "FB lead ads webhook handler." => fields::META;
    "webhook tiktok" POST "/api/webhook/tiktok" TikTok "TikTok webhook handler.";
    "webhook email" POST "/api/webhook/email" Provider "Email poll/webhook ingestion.";
    "webhook telegram" POST "/api/webhook/telegram" Telegram "Telegram incoming webhook.";
    "webhook telegram by-config-id" POST "/api/webhook/telegram/{configId}" Telegram "Tenant-specific Telegram webhook.";
    "webhook flow by-flow-id" GET POST "/api/webhook/flow/{flowId}" Configurable "Generic flow API trigger (not Meta callback URL).";
    "webhook flow lead" POST "/api/webhook/flow/{flowId}/lead" Configurable "Flow lead API trigger endpoint (not Meta callback URL)." => fields::LEAD;
    "webhook logs" GET "/api/webhook/logs" Admin "Webhook log stream.";
    "webhook api-logs" GET "/api/webhook/api-logs" Admin "API request logs.";
    "webhook perf-logs" GET "/api/webhook/perf-logs" Admin "Performance logs.";
    "webhook queue-logs" GET "/api/webhook/queue-logs" Admin "Outbound queue logs.";
    "webhook ui-client-error" POST "/api/webhook/ui-client-error" PublicCookie "Client-side error telemetry.";
    "monitor delivery" GET POST "/api/monitor/delivery" Admin "Delivery monitor health/audit/retry.";
    "debug conversations" GET "/api/debug/conversations" DebugKey "Conversations debug dump.";
    "debug conversation by-id" GET "/api/debug/conversation/{id}" DebugKey "Single conversation debug dump.";
    "proxy" GET "/api/proxy" Cookie "Controlled proxy endpoint.";
    "seed" POST "/api/seed" Admin "Seed/demo bootstrap data.";
};

/// The same, as what can be called.
pub(super) const ENDPOINTS: &[Endpoint] = &{
    let mut all = [ROWS[0].endpoint; ROWS.len()];
    let mut at = 0;
    while at < ROWS.len() {
        all[at] = ROWS[at].endpoint;
        at += 1;
    }
    all
};

const fn row(
    call: &'static str,
    methods: &'static [&'static str],
    path: &'static str,
    column: Column,
    summary: &'static str,
) -> Row {
    let only_reads = methods.len() == 1 && methods[0].as_bytes()[0] == b'G';
    let endpoint = Endpoint {
        call,
        summary,
        methods,
        path,
        auth: column.auth(),
        parameters: places(path),
        body: if only_reads { Body::None } else { Body::Open },
        paging: None,
        check: unchecked,
        source: MAP,
    };
    Row { column, endpoint }
}

impl Row {
    const fn typed(self, typed: Typed) -> Self {
        let Typed { parameters, body, check, section: source } = typed;
        let Self { column, endpoint } = self;
        Self { column, endpoint: Endpoint { parameters, body, check, source, ..endpoint } }
    }
}

/// What stands in a path: no row has more than one place.
const fn places(path: &str) -> &'static [Parameter] {
    let path = path.as_bytes();
    let mut at = 0;
    while at + 1 < path.len() {
        if path[at] == b'{' {
            return match path[at + 1] {
                b'p' => &[fields::PHONE_PLACE],
                b'f' => &[fields::FLOW_PLACE],
                b'c' => &[fields::CONFIG_PLACE],
                _ => &[fields::ID_PLACE],
            };
        }
        at += 1;
    }
    &[]
}
