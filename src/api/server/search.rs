//! Full-text search.

use axum::Json;
use axum::extract::{RawQuery, State};

use super::{Failure, Service, past, reads};
use crate::domain::Refusal;
use crate::domain::search::{Found, SearchNoun};
use crate::store::{SearchQuery, search};

/// How much is found where nothing is said, and at most.
const LIMIT: usize = 20;
const LIMIT_MAX: usize = 1000;

/// `GET /v1/search`.
pub(super) async fn get(State(service): State<Service>, RawQuery(raw): RawQuery) -> Result<Json<Found>, Failure> {
    past::only_present(&service, "the index of words")?;
    let mut query = SearchQuery { limit: LIMIT, ..SearchQuery::default() };
    for (name, value) in reads::pairs(raw.as_deref())? {
        match name.as_str() {
            "q" => query.text = value,
            "in" => {
                let nouns = value.split(',').map(|word| word.trim().parse::<SearchNoun>());
                query.nouns = nouns.collect::<Result<_, _>>()?;
            }
            "limit" => {
                query.limit = value
                    .parse()
                    .ok()
                    .filter(|limit| (1..=LIMIT_MAX).contains(limit))
                    .ok_or_else(|| Refusal::invalid("limit", &value, format!("1 to {LIMIT_MAX}")))?;
            }
            _ => return Err(Refusal::not_one_of("query", &name, &["q", "in", "limit"]).into()),
        }
    }
    let data_dir = service.0.data_dir.clone();
    Ok(Json(service.read(move |reader| search(&data_dir, reader, &query)).await?))
}
