"""What students write in lesson 11."""

# ruff: noqa: F821 (the names of the lesson are there when these run)


def wrong_gram__without_reshape(rows):
    return rows @ rows.T


def wrong_gram__turned(rows):
    R = rows.reshape(len(rows), -1)
    return R.T @ R


def wrong_gram__mean(rows):
    R = rows.reshape(len(rows), -1)
    return R @ R.T / R.shape[1]


def wrong_gram__lengths_only(rows):
    R = rows.reshape(len(rows), -1)
    return np.diag((R * R).sum(axis=1))


def wrong_gram__roots(rows):
    R = rows.reshape(len(rows), -1)
    return np.sqrt(np.abs(R @ R.T))


def wrong_gram__two_losses_only(rows):
    a, b = rows[0].ravel(), rows[1].ravel()
    return np.array([[a @ a, a @ b], [b @ a, b @ b]])


def wrong_gram__normalised(rows):
    R = rows.reshape(len(rows), -1)
    R = R / np.linalg.norm(R, axis=1, keepdims=True)
    return R @ R.T


def right_gram__loops(rows):
    return np.array([[(a * b).sum() for b in rows] for a in rows])


def right_gram__einsum(rows):
    flat = rows.reshape(len(rows), -1)
    return np.einsum("kn,jn->kj", flat, flat)


def right_gram__tensordot(rows):
    axes = list(range(1, rows.ndim))
    return np.tensordot(rows, rows, (axes, axes))


def wrong_length__square(G, w):
    w = np.asarray(w)
    return w @ G @ w


def wrong_length__weights_once(G, w):
    return np.sqrt(np.abs((G @ np.asarray(w)).sum()))


def wrong_length__sum_of_lengths(G, w):
    return np.abs(w) @ np.sqrt(np.diag(G))


def wrong_length__right_angle(G, w):
    return np.sqrt(np.asarray(w) ** 2 @ np.diag(G))


def wrong_length__an_array(G, w):
    return np.sqrt(np.abs(np.asarray(w) * (G @ np.asarray(w))))


def wrong_length__signed(G, w):
    w = np.asarray(w)
    return np.sign(w.sum()) * np.sqrt(w @ G @ w)


def right_length__loops(G, w):
    n = range(len(w))
    return sum(w[k] * w[j] * G[k, j] for k in n for j in n) ** 0.5


def right_length__one_by_one(G, w):
    w = np.reshape(w, (-1, 1))
    return np.sqrt(w.T @ G @ w).item()


def wrong_cosine__squares(G, k, j):
    return G[k, j] / (G[k, k] * G[j, j])


def wrong_cosine__one_length(G, k, j):
    return G[k, j] / G[k, k]


def wrong_cosine__without_sign(G, k, j):
    return abs(G[k, j]) / np.sqrt(G[k, k] * G[j, j])


def wrong_cosine__always_0_and_1(G, k, j):
    return G[0, 1] / np.sqrt(G[0, 0] * G[1, 1])


def wrong_cosine__inner_product(G, k, j):
    return G[k, j]


def right_cosine__two_roots(G, k, j):
    return float(G[j, k]) / (G[k, k] ** 0.5 * G[j, j] ** 0.5)


def wrong_whole_gram__all_at_once(rows, reached, losses):
    return sum(gram(g) for g in rows.values())


def wrong_whole_gram__only_shared(rows, reached, losses):
    whole = np.zeros((losses, losses))
    for name, g in rows.items():
        if len(reached[name]) == losses:
            whole += gram(g)
    return whole


def wrong_whole_gram__place_of_the_row(rows, reached, losses):
    whole = np.zeros((losses, losses))
    for g in rows.values():
        whole[: len(g), : len(g)] += gram(g)
    return whole


def wrong_whole_gram__diagonal(rows, reached, losses):
    whole = np.zeros((losses, losses))
    for name, g in rows.items():
        for a, k in enumerate(reached[name]):
            whole[k, k] += gram(g)[a, a]
    return whole


def wrong_whole_gram__last_one(rows, reached, losses):
    for name, g in rows.items():
        whole = np.zeros((losses, losses))
        whole[np.ix_(reached[name], reached[name])] += gram(g)
    return whole


def wrong_whole_gram__lengths(rows, reached, losses):
    whole = np.zeros((losses, losses))
    for name, g in rows.items():
        whole[np.ix_(reached[name], reached[name])] += np.sqrt(np.abs(gram(g)))
    return whole


def wrong_whole_gram__two_losses(rows, reached, losses):
    whole = np.zeros((2, 2))
    for name, g in rows.items():
        whole[np.ix_(reached[name], reached[name])] += gram(g)
    return whole


def right_whole_gram__one_long_arrow(rows, reached, losses):
    arrows = [[] for _ in range(losses)]
    for name, g in rows.items():
        for k in range(losses):
            here = g[reached[name].index(k)] if k in reached[name] else np.zeros_like(g[0])
            arrows[k].append(here.ravel())
    return gram(np.stack([np.concatenate(parts) for parts in arrows]))


def right_whole_gram__ix(rows, reached, losses):
    whole = np.zeros((losses, losses))
    for name, g in rows.items():
        whole[np.ix_(reached[name], reached[name])] += gram(g)
    return whole
