//! What others tell the owner of an outbox with no more than a bit.

/// A set of notices; each says that there is something to look at, and loses nothing when it comes twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Notices(u8);

impl Notices {
    /// A deadline that the owner set has come.
    pub const TIMER: Self = Self(1);
    /// What the server is set to has changed.
    pub const SETTINGS: Self = Self(1 << 1);
    /// There are more connections than there may be now, and this is one too many.
    pub const NO_ROOM: Self = Self(1 << 2);
    /// The peer is to look for another server.
    pub const LAME_DUCK: Self = Self(1 << 3);

    pub(super) fn from_bits(bits: u8) -> Self {
        Self(bits)
    }

    pub(super) fn bits(self) -> u8 {
        self.0
    }

    /// These and those.
    pub const fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// Whether this notice is among them; of several, whether any is.
    #[inline]
    pub const fn hold(self, notice: Self) -> bool {
        self.0 & notice.0 != 0
    }
}
