"""What students write in lesson 0."""


def wrong_my_prediction__a_list():
    return ["both", "digit", "even"]


def wrong_my_prediction__a_box_is_missing():
    return {"digit": "digit", "even": "even"}


def wrong_my_prediction__the_dots_are_still_there():
    return {"shared": "...", "digit": "...", "even": "..."}


def wrong_my_prediction__no_quotes():
    return {"shared": both, "digit": digit, "even": even}


def wrong_my_prediction__a_list_of_losses():
    return {"shared": ["digit", "even"], "digit": ["digit"], "even": ["even"]}


def wrong_my_prediction__another_word():
    return {"shared": "none", "digit": "digit", "even": "even"}


def wrong_my_prediction__no_return():
    {"shared": "both", "digit": "digit", "even": "even"}


def right_my_prediction__a_wrong_guess():
    return {"shared": "digit", "digit": "both", "even": "both"}


def right_my_prediction__dict_of_names():
    return dict(even="even", shared="both", digit="both")


def wrong_loss_without_path__the_column_with_a_number():
    return "digit"


def wrong_loss_without_path__no_quotes():
    return even


def wrong_loss_without_path__capital():
    return "Even"


def wrong_loss_without_path__the_weights():
    return "even/kernel"


def wrong_loss_without_path__both():
    return ["digit", "even"]


def wrong_loss_without_path__printed():
    print("even")


def wrong_loss_without_path__a_space():
    return " even"


def right_loss_without_path__a_variable():
    answer = "even"
    return answer


def wrong_always_the_commonest__the_label(labels):
    counts = {}
    for label in labels:
        counts[label] = counts.get(label, 0) + 1
    return max(counts, key=counts.get)


def wrong_always_the_commonest__the_count(labels):
    counts = {}
    for label in labels:
        counts[label] = counts.get(label, 0) + 1
    return max(counts.values())


def wrong_always_the_commonest__number_of_different_labels(labels):
    return 1 / len(set(labels))


def wrong_always_the_commonest__the_largest_label(labels):
    return list(labels).count(max(labels)) / len(labels)


def wrong_always_the_commonest__the_first_label(labels):
    return sum(label == labels[0] for label in labels) / len(labels)


def wrong_always_the_commonest__counts_from_zero(labels):
    counts = {}
    for label in labels:
        counts[label] = counts.get(label, -1) + 1
    return max(counts.values()) / len(labels)


def wrong_always_the_commonest__rarest(labels):
    counts = {}
    for label in labels:
        counts[label] = counts.get(label, 0) + 1
    return min(counts.values()) / len(labels)


def wrong_always_the_commonest__percent(labels):
    counts = {}
    for label in labels:
        counts[label] = counts.get(label, 0) + 1
    return 100 * max(counts.values()) / len(labels)


def wrong_always_the_commonest__divided_by_ten(labels):
    return max(list(labels).count(digit) for digit in range(10)) / 10


def wrong_always_the_commonest__a_constant(labels):
    return 0.5


def wrong_always_the_commonest__return_in_the_loop(labels):
    counts = {}
    for label in labels:
        counts[label] = counts.get(label, 0) + 1
        return max(counts.values()) / len(labels)


def wrong_always_the_commonest__whole_division(labels):
    counts = {}
    for label in labels:
        counts[label] = counts.get(label, 0) + 1
    return max(counts.values()) // len(labels)


def wrong_always_the_commonest__neighbours_only(labels):
    return max(sum(a == b for a, b in zip(labels, labels[1:])), 1) / len(labels)


def wrong_always_the_commonest__sorts_the_labels(labels):
    labels.sort()
    best = run = 1
    for before, label in zip(labels, labels[1:]):
        run = run + 1 if label == before else 1
        best = max(best, run)
    return best / len(labels)


def wrong_always_the_commonest__no_return(labels):
    counts = {}
    for label in labels:
        counts[label] = counts.get(label, 0) + 1
    max(counts.values()) / len(labels)


def right_always_the_commonest__numpy(labels):
    return np.unique(labels, return_counts=True)[1].max() / len(labels)


def right_always_the_commonest__bincount(labels):
    return np.bincount(np.asarray(labels, int)).max() / np.size(labels)


def right_always_the_commonest__a_set(labels):
    labels = list(labels)
    return max(labels.count(label) / len(labels) for label in set(labels))


def right_always_the_commonest__counter(labels):
    from collections import Counter

    (_, count), *_ = Counter(labels).most_common(1)
    return count / len(labels)


def wrong_always_the_commonest__lists_only(labels):
    return max(labels.count(label) for label in labels) / len(labels)
