//! The page behind the link of an invitation.
//!
//! It is the same for everybody and every token: what it knows is in the browser, and what it does goes through the
//! doors of the API with their guards. A session of the browser accepts with its token against forged requests; whoever
//! has none signs in, and the session that this needs is given up again.

use axum::response::Response;
use http::Method;

use super::{json::Path, problem::Failure};
use crate::{
    guard::Public,
    pages::{NONCE, Page, PagePolicy},
    routes::Api,
    settings::Settings,
};

const HTML: &str = include_str!("invitation_page.html");

pub(crate) fn routes(api: Api) -> Api {
    api.plain(Method::GET, "/accept-invitation/{token}", page)
}

/// The page, made once.
#[derive(Debug)]
pub struct InvitationPage {
    page: Page,
    policy: PagePolicy,
}

impl InvitationPage {
    pub(crate) fn new(settings: &Settings) -> Self {
        // Names of headers may have no other character that means something in an attribute.
        let named = |name: &str| name.replace('&', "&amp;");
        let html = HTML
            .replace("{csrf_cookie}", &named(&settings.cookies.csrf_cookie))
            .replace("{csrf_header}", &named(&settings.cookies.csrf_header))
            .replace("{auth_header}", &named(&settings.credentials.auth_header))
            .replace("{nonce}", NONCE);
        Self { page: Page::new(&html), policy: PagePolicy::new(settings) }
    }
}

/// The token is read by the page alone.
async fn page(public: Public, Path(_): Path<String>) -> Result<Response, Failure> {
    let page = public.app.invitation_page();
    Ok(page.policy.answer(&page.page)?)
}
