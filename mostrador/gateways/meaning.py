"""Sentences put together that say about the same."""

from __future__ import annotations

from typing import Dict, List, Sequence

APART = 0.5  # cosine distance of word and character runs; from 0.6 on "opt in" and "opt out" would be one


def alike(sentences: Sequence[str]) -> List[List[int]]:
    """Groups of indices into ``sentences``, each in the given order, the groups by their first member.

    Agglomerative clustering (mean distance) of tf-idf of words and of character runs within words.
    """
    places: Dict[str, List[int]] = {}
    for index, sentence in enumerate(sentences):
        places.setdefault(" ".join(sentence.casefold().split()), []).append(index)
    distinct = [words for words in places if words]
    groups: Dict[int, List[int]] = {}
    for words, label in zip(distinct, _labels(distinct)):
        groups.setdefault(label, []).extend(places[words])
    apart = [[index] for index in places.get("", ())]
    return sorted([sorted(group) for group in groups.values()] + apart)


def _labels(sentences: Sequence[str]) -> List[int]:
    if len(sentences) < 2:
        return list(range(len(sentences)))
    from scipy.sparse import hstack  # not before somebody reviews: it costs a second and 100 MB
    from sklearn.cluster import AgglomerativeClustering
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.metrics.pairwise import cosine_distances

    blocks = [
        TfidfVectorizer(analyzer=str.split, sublinear_tf=True),
        TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True),
    ]
    distances = cosine_distances(hstack([block.fit_transform(sentences) for block in blocks]))
    clustering = AgglomerativeClustering(
        n_clusters=None, affinity="precomputed", linkage="average", distance_threshold=APART
    )
    return [int(label) for label in clustering.fit(distances).labels_]
