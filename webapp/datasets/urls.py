from __future__ import annotations

from django.urls import path

from webapp.datasets.views.create import new, sample, upload
from webapp.datasets.views.delete import delete
from webapp.datasets.views.detail import detail, rejected, status
from webapp.datasets.views.export import export
from webapp.datasets.views.findings import act
from webapp.datasets.views.labelling import label
from webapp.datasets.views.labels import merge, rename
from webapp.datasets.views.listing import listing
from webapp.datasets.views.picture import original, picture, shown, thumbnail
from webapp.datasets.views.rejected import rejected_csv
from webapp.datasets.views.versions import discard, name, seal, version_page
from webapp.datasets.views.wall import edit, pictures, undo

app_name = "datasets"
urlpatterns = [
    path("datasets/", listing, name="list"),
    path("datasets/new/", new, name="new"),
    path("datasets/sample/", sample, name="sample"),
    path("datasets/<int:pk>/", detail, name="detail"),
    path("datasets/<int:pk>/upload/", upload, name="upload"),
    path("datasets/<int:pk>/status/", status, name="status"),
    path("datasets/<int:pk>/pictures/", pictures, name="pictures"),
    path("datasets/<int:pk>/edit/", edit, name="edit"),
    path("datasets/<int:pk>/undo/", undo, name="undo"),
    path("datasets/<int:pk>/labels/rename/", rename, name="rename_label"),
    path("datasets/<int:pk>/labels/merge/", merge, name="merge_label"),
    path("datasets/<int:pk>/versions/<int:number>/", version_page, name="version"),
    path("datasets/<int:pk>/versions/<int:number>/name/", name, name="version_name"),
    path("datasets/<int:pk>/versions/<int:number>/seal/", seal, name="version_seal"),
    path("datasets/<int:pk>/versions/<int:number>/discard/", discard, name="version_discard"),
    path("datasets/<int:pk>/versions/<int:number>/export/", export, name="export"),
    path("datasets/<int:pk>/label/", label, name="label"),
    path("datasets/<int:pk>/findings/", act, name="findings"),
    path("datasets/<int:pk>/rejected/", rejected, name="rejected"),
    path("datasets/<int:pk>/rejected.csv", rejected_csv, name="rejected_csv"),
    path("datasets/<int:pk>/delete/", delete, name="delete"),
    path("pictures/<int:pk>/", picture, name="picture"),
    path("pictures/<int:pk>/thumbnail/", thumbnail, name="thumbnail"),
    path("pictures/<int:pk>/shown/", shown, name="shown"),
    path("pictures/<int:pk>/original/", original, name="original"),
]
