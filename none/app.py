from flask import Flask
from flask_cors import CORS
app = Flask(__name__)
CORS(app, origins=None)
@app.route("/api")
def a(): return "ok"
