//! What passes between the browser and a server function: JSON.

use crate::error::AppError;
use leptos::server_fn::{
    Bytes, ContentType, Decodes, Encodes, Format, FormatType,
    codec::Post,
    error::{FromServerFnError, ServerFnErrorErr},
};
use serde::{Deserialize, Serialize, Serializer, de::DeserializeOwned};

/// The arguments are in the address: nothing is changed by asking.
pub use leptos::server_fn::codec::GetUrl;

/// The answer is JSON.
pub type Json = Post<Text>;

/// As `leptos::server_fn::codec::JsonEncoding`, and read the way an island's own values are read: the browser's part then contains
/// the reader of each type once instead of twice.
pub struct Text;

impl ContentType for Text {
    const CONTENT_TYPE: &'static str = "application/json";
}

impl FormatType for Text {
    const FORMAT_TYPE: Format = Format::Text;
}

impl<T: Serialize> Encodes<T> for Text {
    type Error = serde_json::Error;

    fn encode(output: &T) -> Result<Bytes, Self::Error> {
        serde_json::to_vec(output).map(Bytes::from)
    }
}

impl<T: DeserializeOwned> Decodes<T> for Text {
    type Error = String;

    fn decode(bytes: Bytes) -> Result<T, Self::Error> {
        let text = str::from_utf8(&bytes).map_err(|error| error.to_string())?;
        serde_json::from_str(text).map_err(|error| error.to_string())
    }
}

impl FromServerFnError for AppError {
    type Encoder = Text;

    fn from_server_fn_error(value: ServerFnErrorErr) -> Self {
        match value {
            // The browser's side of the wire: the panel itself is out of reach.
            ServerFnErrorErr::Request(_) => Self::Away { system: "The panel".into(), since: None, doing: "ask it".into() },
            ServerFnErrorErr::Args(detail) | ServerFnErrorErr::MissingArg(detail) | ServerFnErrorErr::Deserialization(detail) => {
                Self::Malformed { detail }
            }
            _ => Self::Broken,
        }
    }
}

/// What the server hands to an island. The browser only reads it; an island's macro would write it once more there, for nobody.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub struct Given<T>(pub T);

impl<T> From<T> for Given<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl<T: Serialize> Serialize for Given<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if cfg!(feature = "ssr") { self.0.serialize(serializer) } else { serializer.serialize_unit() }
    }
}
