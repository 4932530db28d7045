//! One small set of icons, drawn for this panel on a grid of 20 with a line of 1.6, so that they look like one family.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Icon {
    Home,
    Map,
    Bell,
    Phone,
    Chart,
    List,
    Network,
    Database,
    System,
    Users,
    Key,
    Audit,
    Person,
    Grid,
    Search,
    Sort,
    Up,
    Down,
    Good,
    Busy,
    Notice,
    Bad,
    Idle,
    Steps,
}

impl Icon {
    pub const ALL: [Icon; 24] = [
        Icon::Home,
        Icon::Map,
        Icon::Bell,
        Icon::Phone,
        Icon::Chart,
        Icon::List,
        Icon::Network,
        Icon::Database,
        Icon::System,
        Icon::Users,
        Icon::Key,
        Icon::Audit,
        Icon::Person,
        Icon::Grid,
        Icon::Search,
        Icon::Sort,
        Icon::Up,
        Icon::Down,
        Icon::Good,
        Icon::Busy,
        Icon::Notice,
        Icon::Bad,
        Icon::Idle,
        Icon::Steps,
    ];

    /// The path of the strokes.
    pub const fn path(self) -> &'static str {
        match self {
            Icon::Steps => "M15.5 7.2A6 6 0 1 0 16 11M15.8 3.6v3.8H12M10 7v3.5l2.5 1.5",
            Icon::Home => "M3.5 9.5L10 4l6.5 5.5M5.5 8.5v7.5h9v-7.5M8.5 16v-4.5h3V16",
            Icon::Map => "M3 6.5h14M3 13.5h14M6 6.5v7M10 3.5v3M14 6.5v10",
            Icon::Bell => "M5.5 13.5V9a4.5 4.5 0 0 1 9 0v4.5l1.5 1.5H4zM8.5 17h3",
            Icon::Phone => "M5 3.5h3l1 3.5l-2 1.5a8 8 0 0 0 4.5 4.5l1.5-2l3.5 1v3c0 1-1 1.5-2 1.5C9 16 4 11 3.5 5.5c0-1 .5-2 1.5-2",
            Icon::Chart => "M3.5 3.5v13h13M6.5 13l3-4l3 2l3.5-5.5",
            Icon::List => "M4 5.5h.5M4 10h.5M4 14.5h.5M7.5 5.5h9M7.5 10h9M7.5 14.5h9",
            Icon::Network => "M8 3.5h4v4H8zM3.5 12.5h4v4h-4zM12.5 12.5h4v4h-4zM10 7.5V10M5.5 12.5V10h9v2.5",
            Icon::Database => "M4 5.5c0-2.6 12-2.6 12 0s-12 2.6-12 0M4 5.5v9c0 2.6 12 2.6 12 0v-9M4 10c0 2.6 12 2.6 12 0",
            Icon::System => "M3.5 4.5h13v8h-13zM7.5 16h5M10 12.5V16M6 9h2l1.2-2.2L11 11l1-2h2",
            Icon::Users => {
                "M7.5 9.5a2.6 2.6 0 1 0 0-5.2a2.6 2.6 0 0 0 0 5.2M2.5 16c.3-2.8 2.2-4.3 5-4.3s4.7 1.5 5 4.3M12.8 4.7a2.6 2.6 0 0 1 0 4.6M14.7 12c1.6.6 2.6 2 2.8 4"
            }
            Icon::Key => "M7 9.5a3.3 3.3 0 1 0 0 .01M10.2 9.5H17v3M13.7 9.5v2.3",
            Icon::Audit => "M5 3.5h7l3 3v10H5zM12 3.5v3h3M7.5 10h5M7.5 13h5",
            Icon::Person => "M10 10a3.1 3.1 0 1 0 0-6.2a3.1 3.1 0 0 0 0 6.2M4 16.5c.4-3 2.7-4.5 6-4.5s5.6 1.5 6 4.5",
            Icon::Grid => "M4 4h5v5H4zM11 4h5v5h-5zM4 11h5v5H4zM11 11h5v5h-5z",
            Icon::Search => "M9 14a5 5 0 1 0 0-10a5 5 0 0 0 0 10M12.7 12.7L16.5 16.5",
            Icon::Sort => "M6.5 8L10 4.5L13.5 8M6.5 12l3.5 3.5l3.5-3.5",
            Icon::Up => "M10 16V5M5.5 9L10 4.5L14.5 9",
            Icon::Down => "M10 4v11M5.5 11L10 15.5L14.5 11",
            Icon::Good => "M5.5 10.5l3 3l6-6.5",
            Icon::Busy => "M10 5a5 5 0 1 1-5 5",
            Icon::Notice => "M10 5v5.5M10 14v.5",
            Icon::Bad => "M6.5 6.5l7 7M13.5 6.5l-7 7",
            Icon::Idle => "M7.5 7.8c0-3.6 5.3-3.2 5 .2c-.2 1.7-2.5 1.8-2.5 3.8M10 14.5v.5",
        }
    }
}
