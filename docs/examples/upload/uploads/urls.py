"""The addresses of the upload page."""

from django.urls import path, re_path

from uploads import views

app_name = "uploads"
_ID = "(?P<upload_id>[0-9a-f]{32})"
urlpatterns = [
    path("", views.page, name="page"),
    path("begin/", views.begin, name="begin"),
    re_path(rf"^{_ID}/$", views.upload, name="upload"),
    re_path(rf"^{_ID}/(?P<number>[0-9]{{1,3}})/$", views.chunk, name="chunk"),
    re_path(rf"^{_ID}/finish/$", views.finish, name="finish"),
    re_path(rf"^{_ID}/token/$", views.token, name="token"),
    re_path(rf"^{_ID}/remove/$", views.remove, name="remove"),
    re_path(rf"^{_ID}/results/$", views.results, name="results"),
    re_path(rf"^{_ID}/results/(?P<name>[a-z0-9]+\.[a-z]{{3}})$", views.file, name="file"),
]
