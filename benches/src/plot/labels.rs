//! Where the names of points stand: beside them, and on none of the others.

/// A rectangle of pixels; the last row and column are in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Area {
    pub left: i32,
    pub right: i32,
    pub top: i32,
    pub bottom: i32,
}

impl Area {
    pub(super) fn grown(self, by: i32) -> Self {
        Self { left: self.left - by, right: self.right + by, top: self.top - by, bottom: self.bottom + by }
    }

    pub(super) fn holds(self, (x, y): (i32, i32)) -> bool {
        (self.left..=self.right).contains(&x) && (self.top..=self.bottom).contains(&y)
    }

    fn meets(self, other: Self) -> bool {
        self.left <= other.right && other.left <= self.right && self.top <= other.bottom && other.top <= self.bottom
    }

    fn is_in(self, other: Self) -> bool {
        other.holds((self.left, self.top)) && other.holds((self.right, self.bottom))
    }
}

/// How far a name may stand from its point.
const FARTHEST: i32 = 160;

/// Half the side of the square that a point takes.
const POINT: i32 = 5;

/// The place of each point's name, of the width given. A name that finds no free place within
/// reach stands to the right of its point, over whatever is there.
pub(super) fn place(points: &[(i32, i32)], widths: &[i32], height: i32, within: Area) -> Vec<Area> {
    let taken: Vec<Area> =
        points.iter().map(|(x, y)| Area { left: *x, right: *x, top: *y, bottom: *y }.grown(POINT)).collect();
    let mut placed: Vec<Area> = Vec::new();
    for (point, width) in points.iter().zip(widths) {
        let free = |label: &Area| label.is_in(within) && !taken.iter().chain(&placed).any(|other| other.meets(*label));
        let beside = around(*point, *width, height, POINT + 2);
        let label = (POINT + 2..FARTHEST)
            .step_by(3)
            .find_map(|distance| around(*point, *width, height, distance).into_iter().find(free))
            .unwrap_or(beside[0]);
        placed.push(label);
    }
    placed
}

/// The places at a distance from a point, the best first.
fn around((x, y): (i32, i32), width: i32, height: i32, distance: i32) -> [Area; 8] {
    let (right, left) = (x + distance, x - distance - width);
    let (above, below) = (y - distance - height, y + distance);
    let (middle, centre) = (y - height / 2, x - width / 2);
    [
        (right, middle),
        (left, middle),
        (centre, above),
        (centre, below),
        (right, above),
        (right, below),
        (left, above),
        (left, below),
    ]
    .map(|(left, top)| Area { left, right: left + width, top, bottom: top + height })
}

#[cfg(test)]
mod tests {
    use super::*;

    const WITHIN: Area = Area { left: 0, right: 700, top: 0, bottom: 400 };

    #[test]
    fn a_point_alone_has_its_name_at_its_right() {
        let label = place(&[(100, 100)], &[50], 12, WITHIN)[0];
        assert_eq!((label.left, label.right), (107, 157));
        assert!((label.top..=label.bottom).contains(&100));
    }

    #[test]
    fn at_the_right_edge_it_stands_at_the_left() {
        let label = place(&[(690, 100)], &[50], 12, WITHIN)[0];
        assert!(label.right < 690);
    }

    #[test]
    fn names_of_close_points_stand_apart() {
        // Forty points on a slope, a few pixels from one to the next: twice as dense as the plots.
        let points: Vec<(i32, i32)> = (0..40).map(|index| (150 + 9 * index, 60 + 7 * index)).collect();
        let widths: Vec<i32> = (0..40).map(|index| if index % 8 == 0 { 56 } else { 16 }).collect();
        let labels = place(&points, &widths, 12, WITHIN);
        for (index, label) in labels.iter().enumerate() {
            assert!(label.is_in(WITHIN), "{label:?}");
            assert!(!labels[..index].iter().any(|other| other.meets(*label)), "{index}: {label:?}");
            assert!(!points.iter().any(|point| label.holds(*point)), "{index}: {label:?} hides a point");
        }
    }

    #[test]
    fn where_there_is_no_room_every_point_still_has_a_name() {
        let tight = Area { left: 0, right: 20, top: 0, bottom: 20 };
        assert_eq!(place(&[(10, 10), (12, 12)], &[50, 50], 12, tight).len(), 2);
    }
}
