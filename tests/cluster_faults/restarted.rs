//! All servers end, and start again.

use crate::mesh::{Mesh, SERVERS};

#[test]
fn in_any_order() {
    let mut mesh = Mesh::new();
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        for number in 0..SERVERS {
            mesh.kill(number);
        }
        for number in order {
            mesh.start(number);
            mesh.listen(number);
        }
        mesh.await_whole();
        mesh.expect_delivery();
    }
}
