//! Any bytes from another server: of a cluster, a leaf node, another cluster, or a proxy. Nothing panics or stalls, a frame parses
//! the same without what follows it, and what says something of a server comes back as it was.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vagus_protocol::gateway::{GatewayInfo, RoutedReply, is_mapped, unmapped};
use vagus_protocol::leaf::{LeafConnect, LeafInfo};
use vagus_protocol::proxy_header;
use vagus_protocol::route::parser::{RouteLimits, RouteParsed, parse, parse_leaf};
use vagus_protocol::route::{RouteConnect, RouteInfo};

fuzz_target!(|data: &[u8]| {
    let Some((choice, bytes)) = data.split_first() else {
        return;
    };
    let is_leaf = choice & 1 == 0;
    let limits = RouteLimits {
        max_line: if choice & 2 == 0 { 40 } else { 4096 },
        max_message: if choice & 4 == 0 { 30 } else { 1 << 30 },
        one_account: is_leaf || choice & 8 == 0,
        origin_in_unsubscribe: choice & 16 == 0,
    };
    let parse = if is_leaf { parse_leaf } else { parse };
    let mut rest = bytes;
    loop {
        match parse(rest, &limits) {
            RouteParsed::Frame { operation, consumed } => {
                assert!((1..=rest.len()).contains(&consumed));
                let (frame, after) = rest.split_at(consumed);
                assert_eq!(parse(frame, &limits), RouteParsed::Frame { operation, consumed });
                for cut in [0, consumed / 2, consumed - 1] {
                    assert!(matches!(
                        parse(&frame[..cut], &limits),
                        RouteParsed::Incomplete { .. }
                    ));
                }
                rest = after;
            }
            RouteParsed::Incomplete { frame_len } => {
                assert!(frame_len > rest.len() || frame_len == 0);
                break;
            }
            RouteParsed::Violation(_) => break,
        }
    }
    let mut again = Vec::new();
    if let Ok(info) = RouteInfo::read(bytes) {
        info.append(&mut again);
    }
    if let Ok(connect) = RouteConnect::read(bytes) {
        connect.append(&mut again);
    }
    if let Ok(info) = LeafInfo::read(bytes) {
        info.append(&mut again);
    }
    if let Ok(connect) = LeafConnect::read(bytes) {
        connect.append(&mut again);
    }
    if let Ok(info) = GatewayInfo::read(bytes) {
        info.append(&mut again);
    }
    if is_mapped(bytes) {
        let _ = RoutedReply::read(bytes);
    }
    let _ = unmapped(bytes);
    let _ = proxy_header::parse(bytes);
});
