/// What a frame is (RFC 6455, section 5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Opcode {
    /// More of the message that has begun.
    Continuation = 0,
    /// Begins a message of text.
    Text = 1,
    /// Begins a message of bytes.
    Binary = 2,
    /// Nothing follows.
    Close = 8,
    /// To be answered by a pong with the same payload.
    Ping = 9,
    /// Answers a ping.
    Pong = 10,
}

impl Opcode {
    /// By its four bits.
    pub(crate) fn of(bits: u8) -> Option<Self> {
        const ALL: [Opcode; 6] = [
            Opcode::Continuation,
            Opcode::Text,
            Opcode::Binary,
            Opcode::Close,
            Opcode::Ping,
            Opcode::Pong,
        ];
        ALL.into_iter().find(|opcode| *opcode as u8 == bits)
    }

    pub(crate) fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }
}
