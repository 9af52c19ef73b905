"""Impute: the calls and variants that a file lacks, filled in by a trained model, and how well that goes."""

from pages.parts.frame import share
from pages.parts.genotypes.imputing import FILE, WHOM, asked, given_file, hidden_half, open_imputing, show
from pages.parts.state import IMPUTE_RUN, IMPUTE_SHARE, IMPUTE_WHOM, choose

top, run = open_imputing("impute")
whom = choose(
    "Individuals", WHOM, default=WHOM[0], key=IMPUTE_WHOM, bind="query-params",
    help="A demonstration on individuals that the model never saw, or a file of your own.",
)  # fmt: skip
request = given_file(run) if whom == FILE else hidden_half(run)
if request is not None and asked(request):
    show(run, request)
share(IMPUTE_RUN, IMPUTE_WHOM, IMPUTE_SHARE, place=top)
