from __future__ import annotations

from django.urls import path

from webapp.datasets.views.create import new, sample, upload
from webapp.datasets.views.delete import delete
from webapp.datasets.views.detail import detail, pictures, rejected, status
from webapp.datasets.views.listing import listing
from webapp.datasets.views.picture import original, picture, thumbnail
from webapp.datasets.views.rejected import rejected_csv

app_name = "datasets"
urlpatterns = [
    path("datasets/", listing, name="list"),
    path("datasets/new/", new, name="new"),
    path("datasets/sample/", sample, name="sample"),
    path("datasets/<int:pk>/", detail, name="detail"),
    path("datasets/<int:pk>/upload/", upload, name="upload"),
    path("datasets/<int:pk>/status/", status, name="status"),
    path("datasets/<int:pk>/pictures/", pictures, name="pictures"),
    path("datasets/<int:pk>/rejected/", rejected, name="rejected"),
    path("datasets/<int:pk>/rejected.csv", rejected_csv, name="rejected_csv"),
    path("datasets/<int:pk>/delete/", delete, name="delete"),
    path("pictures/<int:pk>/", picture, name="picture"),
    path("pictures/<int:pk>/thumbnail/", thumbnail, name="thumbnail"),
    path("pictures/<int:pk>/original/", original, name="original"),
]
