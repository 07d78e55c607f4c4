//! Putting the server together, and taking it down without losing anything.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum_server::Handle;
use domain::{pricing::PriceRules, shield::Key};
use gateways::{
    elastic_path::{self, ElasticPath},
    mail::{Mailer, MailerError},
    merchant::{self, Merchant},
    shipping_rates::ShippingRates,
    stripe::{self, Stripe},
    turnstile::Turnstile,
};
use hyper_util::rt::TokioTimer;
use secrecy::{ExposeSecret, SecretString};
use storage::{Limits, Store, StoreError};
use tokio::{net::TcpListener, sync::Notify};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use url::Url;

use crate::{
    clock::{Clock, Ids},
    config::{BackendConfig, Config, ElasticPathConfig, MailConfig, NativeConfig, WebhookConfig},
    context::{Backend, Base, Bells, Context, Cx, PlatformContext, PlatformRules, Px, ShopRules},
    customer_link::CustomerLinks,
    flows::{
        customer::Accounts,
        shield::{Shield, Widget},
    },
    http::{
        better_auth::BetterAuth,
        customer::CustomerCookie,
        gate::Gate,
        health,
        page::Facts,
        routes::{self, Front, PlatformWeb, Web},
        session::{self, SessionWeb},
        visitor::VisitorCookie,
    },
    letters::{Letters, LettersError},
    order_link::{OrderLinks, OrderPage},
    outlet::{Outlet, Way},
    password::Passwords,
    worker::{self, Rhythm},
};

/// How often the worker looks for rows that are due; it is also called when there are some.
pub const TICK: Duration = Duration::from_secs(1);
/// A browser sends the head of a request in one go.
const HEAD_WITHIN: Duration = Duration::from_secs(10);
/// Longest time that shutdown waits for requests, and then for flows, under way: three gateway calls of ten seconds each.
const SHUTDOWN: Duration = Duration::from_secs(30);

/// Why the server did not start, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The database cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The database is older than this program, and the configuration forbids to change it.
    #[error(
        "the database lacks {0} migrations: run `till migrate`, or set TILL_MIGRATE=auto to have \
         `till serve` do it"
    )]
    NotMigrated(usize),
    /// The address is taken or not ours.
    #[error("cannot listen on {address}: {source}; set TILL_LISTEN to a free address")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
    /// The gateway's client cannot be made.
    #[error(transparent)]
    Transport(#[from] gateways::HttpsError),
    /// Stripe's key is none.
    #[error("STRIPE_SECRET_KEY: {0}")]
    Key(#[from] stripe::SecretKeyError),
    /// Stripe does not charge in the shop's currency.
    #[error("TILL_CURRENCY: {0}")]
    Currency(#[from] stripe::AmountError),
    /// No mail can be sent from this machine.
    #[error("TILL_MAIL: {0}")]
    Mail(#[from] MailerError),
    /// The letters cannot be written.
    #[error(transparent)]
    Letters(#[from] LettersError),
    /// The socket broke.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// A server that can be called in process, and stopped.
pub struct Server {
    /// What its flows are handed.
    pub backend: Backend,
    router: axum::Router,
    stop: CancellationToken,
    tick: Duration,
    poll: Duration,
}

/// What a server is put together from, besides its configuration.
pub struct Parts {
    /// What is remembered, brought up to date.
    pub store: Store,
    /// The way to the gateway.
    pub transport: gateways::Transport,
    /// The way to the merchant's own servers: another, so that none of them takes the gateway's
    /// connections.
    pub merchant: gateways::Transport,
    /// The time.
    pub clock: Clock,
    /// New ids.
    pub ids: Ids,
    /// How often the worker looks for rows that are due.
    pub tick: Duration,
}

/// Serves until the process is told to stop (SIGINT, SIGTERM), then finishes what is under way.
pub async fn serve(config: Config) -> Result<(), ServeError> {
    let store = Store::open(&config.database_url, &Limits::default()).await?;
    migrate(&store, &config).await?;
    if config.public_url.scheme() == "https" && config.trusted_proxies.is_empty() {
        tracing::warn!(
            "TILL_PUBLIC_URL is https, so a proxy stands before this server, but \
             TILL_TRUSTED_PROXIES is empty: all shoppers share the proxy's rate limit, and the \
             shield cannot tell their networks apart"
        );
    }
    if !config.unused.is_empty() {
        tracing::warn!(
            settings = config.unused.join(", "),
            "are set, and the backend that TILL_BACKEND names does not look at them"
        );
    }
    let transport = gateways::https(gateways::TransportLimits::default())?;
    let merchant = gateways::https(merchant::LIMITS)?;
    let (clock, ids) = (Clock::system(), Ids::system());
    let address = config.listen;
    let parts = Parts { store, transport, merchant, clock, ids, tick: TICK };
    let server = Server::new(config, parts)?;
    let listener = TcpListener::bind(address)
        .await
        .map_err(|source| ServeError::Listen { address, source })?;
    tracing::info!(address = %listener.local_addr()?, "listening");
    let stop = server.stopper();
    tokio::spawn(async move {
        asked_to_stop().await;
        tracing::info!("stopping: finishing what is under way");
        stop.cancel();
    });
    server.run(listener).await
}

async fn migrate(store: &Store, config: &Config) -> Result<(), ServeError> {
    if config.migrate_at_start {
        store.migrate().await?;
        return Ok(());
    }
    match store.pending_migrations().await?.len() {
        0 => Ok(()),
        pending => Err(ServeError::NotMigrated(pending)),
    }
}

impl Server {
    /// Puts a server together. Nothing runs yet.
    ///
    /// An error where Stripe cannot work with the key's form or the shop's currency.
    pub fn new(config: Config, parts: Parts) -> Result<Self, ServeError> {
        health::start_counting();
        let https = config.public_url.scheme() == "https";
        let cookie = VisitorCookie::new(config.secret.expose_secret(), https);
        let gate = Arc::new(Gate::new(&config));
        let mut facts = Facts::of(&config, parts.store.dialect());
        let storefront = facts.storefront(&config).map(Arc::new);
        let order_page = match storefront {
            Some(_) => OrderPage::Storefront,
            None => OrderPage::Api,
        };
        let Parts { store, transport, merchant, clock, ids, tick } = parts;
        let Config { backend, shop_name, prices, secret, public_url, attributes, .. } = config;
        let shipping_rates = config
            .shipping_rates
            .map(|config| ShippingRates::new(merchant.clone(), config.url, config.secrets));
        let base = Arc::new(Base {
            store,
            clock,
            ids,
            shipping_rates,
            attributes,
            session_lifetime: config.session_lifetime,
            session_retention: config.session_retention,
            tasks: TaskTracker::new(),
        });
        let customers = match &backend {
            BackendConfig::Native(config) => {
                let lasts = config.accounts.lasts.try_into().unwrap_or(time::Duration::MAX);
                Some(CustomerCookie::new(secret.expose_secret(), https, lasts))
            }
            BackendConfig::ElasticPath(_) => None,
        };
        let front = Front { base, cookie, customers, gate, facts: Arc::new(facts), storefront };
        let session_web = {
            let cookie = session::cookie(secret.expose_secret(), https);
            let front = front.clone();
            move |backend, better_auth| SessionWeb { front, backend, cookie, better_auth }
        };
        let links = OrderLinks::new(secret.expose_secret(), public_url.clone(), order_page);
        let stop = CancellationToken::new();
        match backend {
            BackendConfig::Native(config) => {
                let poll = config.poll_interval;
                let return_url = public_url;
                let own = Own { name: shop_name, prices, secret, return_url, links: &links };
                let cx = native(front.base.clone(), *config, own, transport, merchant)?;
                let backend = Backend::Native(cx.clone());
                let sessions = session_web(backend.clone(), None);
                let web = Web { front, cx, links, sessions: sessions.cookie.clone() };
                let router = routes::router(web, sessions);
                Ok(Self { backend, router, stop, tick, poll })
            }
            BackendConfig::ElasticPath(store) => {
                let rules = PlatformRules {
                    prices,
                    return_url: public_url,
                    closes_challenges: store.closes_challenges,
                };
                let better_auth = store.better_auth_secret.as_ref().map(BetterAuth::new);
                let px = platform(front.base.clone(), store, rules, transport);
                let backend = Backend::Platform(px.clone());
                let sessions = session_web(backend.clone(), better_auth);
                let router = routes::platform_router(PlatformWeb { front, px }, sessions);
                Ok(Self { backend, router, stop, tick, poll: tick })
            }
        }
    }

    /// What the flows of the native backend are handed, where that is the backend.
    pub fn native(&self) -> Option<&Cx> {
        match &self.backend {
            Backend::Native(cx) => Some(cx),
            Backend::Platform(_) => None,
        }
    }

    /// The server's routes, to be called without a socket.
    pub fn router(&self) -> axum::Router {
        self.router.clone()
    }

    /// Stops the server when it is cancelled.
    pub fn stopper(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Serves and works until it is stopped, then finishes what is under way.
    pub async fn run(self, listener: TcpListener) -> Result<(), ServeError> {
        let rhythm = Rhythm { tick: self.tick, poll: self.poll };
        let worker = tokio::spawn(worker::run(self.backend.clone(), rhythm, self.stop.clone()));
        let handle = Handle::new();
        let mut server = axum_server::from_tcp(listener.into_std()?)?.handle(handle.clone());
        server.http_builder().http1().timer(TokioTimer::new()).header_read_timeout(HEAD_WITHIN);
        let ending = tokio::spawn(end(self.stop.clone(), handle));
        let service = self.router.into_make_service_with_connect_info::<SocketAddr>();
        let served = server.serve(service).await;
        self.stop.cancel();
        let rest = async {
            self.backend.tasks.close();
            self.backend.tasks.wait().await;
            worker.await
        };
        if tokio::time::timeout(SHUTDOWN, rest).await.is_err() {
            tracing::warn!("stopped before everything was finished; the next start goes on");
        }
        ending.abort();
        self.backend.store.close().await;
        Ok(served?)
    }
}

/// What the operator has decided, whatever the gateway.
struct Own<'a> {
    name: String,
    prices: PriceRules,
    secret: SecretString,
    return_url: Url,
    links: &'a OrderLinks,
}

fn native(
    base: Arc<Base>,
    config: NativeConfig,
    own: Own<'_>,
    transport: gateways::Transport,
    merchant: gateways::Transport,
) -> Result<Cx, ServeError> {
    let NativeConfig { stripe, webhooks, mail, reservation, shield, accounts, poll_interval: _ } =
        config;
    let Own { name, prices, secret, return_url, links } = own;
    let stripe_config = stripe::Config {
        secret_key: stripe.secret_key.expose_secret().parse()?,
        api_base: stripe.api_base,
        retry: stripe::RetryLimits::default(),
    };
    let shield = shield.map(|shield| Shield {
        key: Key::of_secret(secret.expose_secret()),
        rules: shield.rules,
        widget: shield.turnstile.map(|widget| Widget {
            site_key: widget.site_key,
            turnstile: Turnstile::new(&widget.base, widget.secret, transport.clone()),
        }),
    });
    let accounts = Accounts {
        key: Key::of_secret(secret.expose_secret()),
        links: CustomerLinks::new(secret.expose_secret(), return_url.clone()),
        passwords: Passwords::default(),
        rules: accounts,
    };
    let gateway = Stripe::new(stripe_config, transport);
    let outlets = outlets(webhooks, mail, (&name, links), merchant)?;
    let shop = ShopRules {
        charges: gateway.charge_limits(prices.currency)?,
        prices,
        return_url,
        reservation,
        publishable_key: stripe.publishable_key,
        stripe_js_url: stripe.js_url,
        webhook_secrets: stripe.webhook_secrets,
    };
    let bells = Bells::default();
    Ok(Arc::new(Context { base, stripe: gateway, shield, accounts, shop, outlets, bells }))
}

fn platform(
    base: Arc<Base>,
    store: ElasticPathConfig,
    shop: PlatformRules,
    transport: gateways::Transport,
) -> Px {
    let ElasticPathConfig { client_id, client_secret, api_base, calls_per_second, .. } = store;
    if client_secret.is_none() {
        tracing::warn!("EP_CLIENT_SECRET is not set: carts can be filled, and nothing can be paid");
    }
    let retry = elastic_path::RetryLimits::default();
    let jitter_seed = base.ids.next().as_u64_pair().0;
    let config = elastic_path::Config {
        client_id,
        client_secret,
        api_base,
        retry,
        calls_per_second,
        jitter_seed,
    };
    let clock = base.clock.clone();
    let clock: elastic_path::WallClock = Arc::new(move || clock.now());
    Arc::new(PlatformContext {
        base,
        elastic_path: ElasticPath::new(config, transport, clock),
        shop,
        purchases: Notify::new(),
    })
}

/// Whom the shop tells of its orders.
fn outlets(
    webhooks: WebhookConfig,
    mail: Option<MailConfig>,
    (shop, links): (&str, &OrderLinks),
    transport: gateways::Transport,
) -> Result<Vec<Outlet>, ServeError> {
    let merchant = Merchant::new(transport, webhooks.secrets);
    let endpoint = |url| Way::Endpoint { url, merchant: merchant.clone() };
    let mut ways: Vec<Way> = webhooks.urls.into_iter().map(endpoint).collect();
    if let Some(MailConfig { place, from, templates }) = mail {
        let letters = Box::new(Letters::new(shop.to_owned(), links.clone(), templates.as_deref())?);
        ways.push(Way::Mail { letters, mailer: Mailer::new(&place, from)? });
    }
    Ok(ways.into_iter().map(Outlet::new).collect())
}

/// Lets the requests under way finish. Those who never finish theirs are not waited for.
async fn end(stop: CancellationToken, handle: Handle<SocketAddr>) {
    stop.cancelled().await;
    handle.graceful_shutdown(Some(SHUTDOWN));
}

async fn asked_to_stop() {
    let interrupted = tokio::signal::ctrl_c();
    #[cfg(unix)]
    let terminated = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminated = std::future::pending::<()>();
    tokio::select! {
        _ = interrupted => {}
        () = terminated => {}
    }
}
