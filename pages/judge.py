"""Judge a file: are the synthetic individuals of a file, whatever made it, like the real ones?"""

from pages.parts.frame import share
from pages.parts.genotypes.judging import given, open_judging, show, wanted
from pages.parts.state import DATASET, JUDGE_HOLDOUT

top, names = open_judging("judge")
request = given(names)
if request is not None and wanted(request):
    show(request)
share(DATASET, JUDGE_HOLDOUT, place=top)
